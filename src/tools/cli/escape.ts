const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text for HTML or XML, in elements and in quoted attributes. */
export const escapeXml = (text: string): string => text.replace(/[&<>"']/g, c => ENTITIES[c]!);
