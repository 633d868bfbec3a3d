/** Style rules without the blanks that only people need. */
export const compactCss = (rules: string): string => rules.replace(/\s*([{};:,])\s*/g, '$1').trim();
