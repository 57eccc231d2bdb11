/** Where to go after signing in: only ever a path of this site. */

/** The wanted path when it is one of ours, else "/". Never an address of another origin. */
export function safeNext(wanted: unknown, origin = location.origin): string {
  if (typeof wanted !== 'string' || !/^\/(?![/\\])/.test(wanted)) return '/'
  try {
    const url = new URL(wanted, origin)
    // The URL parser drops tabs and newlines and turns backslashes, so the check is on its answer.
    return url.origin === origin && !url.pathname.startsWith('//') ? url.pathname + url.search + url.hash : '/'
  } catch {
    return '/'
  }
}
