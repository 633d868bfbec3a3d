import nodeNet from 'node:net';

/**
 * Node's own `net`, as it was before anybody (`lastack/register`, for one) changed the module: the members
 * that this folder uses. The module object itself may be changed later.
 */
export const native = {
  Socket: nodeNet.Socket,
  Server: nodeNet.Server,
  connect: nodeNet.connect,
  BlockList: nodeNet.BlockList,
  SocketAddress: nodeNet.SocketAddress,
  isIP: nodeNet.isIP,
  isIPv4: nodeNet.isIPv4,
  isIPv6: nodeNet.isIPv6,
  getDefaultAutoSelectFamily: nodeNet.getDefaultAutoSelectFamily,
  setDefaultAutoSelectFamily: nodeNet.setDefaultAutoSelectFamily,
  getDefaultAutoSelectFamilyAttemptTimeout: nodeNet.getDefaultAutoSelectFamilyAttemptTimeout,
  setDefaultAutoSelectFamilyAttemptTimeout: nodeNet.setDefaultAutoSelectFamilyAttemptTimeout,
} as const;
