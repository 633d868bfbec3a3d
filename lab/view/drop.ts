import type { Desk } from '../model/desk.ts';

/** A capture may be dropped anywhere on the page. */
export function acceptDrops(desk: Desk): void {
  const { body } = document;
  const over = (on: boolean): void => {
    body.classList.toggle('dropping', on);
  };
  addEventListener('dragover', e => {
    if (!e.dataTransfer?.types.includes('Files')) return;
    e.preventDefault();
    over(true);
  });
  addEventListener('dragleave', e => {
    if (e.relatedTarget === null) over(false);
  });
  addEventListener('drop', e => {
    over(false);
    const file = e.dataTransfer?.files[0];
    if (file === undefined) return;
    e.preventDefault();
    void desk.openFile(file);
  });
}
