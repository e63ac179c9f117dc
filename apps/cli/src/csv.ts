/**
 * How the lines of a table are cut into cells: by the comma, semicolon or tab of its header line, else by blanks. Cells
 * may stand in quotes (RFC 4180), but not reach over the end of a line.
 */
export function splitterOf(header: string): (line: string) => string[] {
  const mark = [',', ';', '\t'].find((each) => header.includes(each));
  if (mark === undefined) return (line) => line.trim().split(/\s+/);
  return (line) => (line.includes('"') ? splitQuoted(line, mark) : line.split(mark));
}

/** RFC 4180 §2.5–2.7: a quoted cell may hold the mark, and a doubled quote for a quote. */
function splitQuoted(line: string, mark: string): string[] {
  const cells: string[] = [];
  let cell = '';
  let isQuoted = false;
  for (let at = 0; at < line.length; at += 1) {
    const character = line.charAt(at);
    if (character === '"' && isQuoted && line.charAt(at + 1) === '"') {
      cell += '"';
      at += 1;
    } else if (character === '"') isQuoted = !isQuoted;
    else if (character === mark && !isQuoted) {
      cells.push(cell);
      cell = '';
    } else cell += character;
  }
  return [...cells, cell];
}

/**
 * A line of RFC 4180 text. A cell a spreadsheet would take for a formula gets a leading apostrophe: names in it are
 * chosen by others.
 */
export function csvLine(cells: readonly unknown[]): string {
  return cells.map(csvCell).join(',');
}

function csvCell(value: unknown): string {
  const text =
    value === null || value === undefined
      ? ''
      : typeof value === 'string'
        ? value
        : Array.isArray(value)
          ? value.join(' ')
          : JSON.stringify(value);
  const safe = typeof value !== 'number' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
