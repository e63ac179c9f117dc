const ASK_EVERY_MS = 10;

/**
 * Waits until a condition holds. The pause only spaces the questions; nothing relies on its length.
 * @throws after `timeoutMs`, naming what was waited for and the condition's last error
 */
export async function until(what: string, holds: () => Promise<boolean> | boolean, timeoutMs = 30_000): Promise<void> {
  const deadlineMs = Date.now() + timeoutMs;
  let cause: unknown;
  for (;;) {
    try {
      if (await holds()) return;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (Date.now() >= deadlineMs) throw new Error(`waited ${timeoutMs} ms for: ${what}`, { cause });
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
  }
}
