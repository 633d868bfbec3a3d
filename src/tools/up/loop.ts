import { MICROS_PER_SECOND, type Micros } from '../../base/time.ts';
import { NodeLoop } from '../../driver/node.ts';

/**
 * The event loop of the gateway. Its clock begins at 1000 s, as if the hosts had been up for a while: a
 * time of 0 means "never" in some places of TCP.
 */
export class GatewayLoop extends NodeLoop {
  override now(): Micros {
    return super.now() + 1000 * MICROS_PER_SECOND;
  }
}
