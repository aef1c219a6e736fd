// How much memory does the page's wasm module hold?
import type { Page } from '@playwright/test';

/** Before the page is loaded: keeps hold of the memory of whatever wasm it starts. */
export async function keepWasmMemory(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const streaming = WebAssembly.instantiateStreaming;
    WebAssembly.instantiateStreaming = async (...given) => {
      const source = await streaming.apply(WebAssembly, given);
      // What is loaded later uses the memory of the first.
      (window as any).quaylightTestMemory ??= source.instance.exports.memory;
      return source;
    };
  });
}

/** Bytes. It never shrinks. */
export function wasmMemory(page: Page): Promise<number> {
  return page.evaluate(() => (window as any).quaylightTestMemory.buffer.byteLength);
}
