/**
 * An event's data as every format carries it: the very JSON text that is in the log, byte for byte. Only where a writer
 * has put line ends between its tokens (there can be none anywhere else) are they made spaces: a line is a frame here.
 */
export function oneLine(json: string): string {
  return /[\r\n]/.test(json) ? json.replace(/[\r\n]+/g, " ") : json;
}
