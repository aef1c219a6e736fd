// Memory size of the page's wasm module.
import type { Page } from '@playwright/test';

/** Call it before the page is loaded: keeps a reference to the memory of the wasm module it starts. */
export async function keepWasmMemory(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const streaming = WebAssembly.instantiateStreaming;
    WebAssembly.instantiateStreaming = async (...given) => {
      const source = await streaming.apply(WebAssembly, given);
      // Lazily loaded modules share the memory of the first.
      (window as any).quaylightTestMemory ??= source.instance.exports.memory;
      return source;
    };
  });
}

/** In bytes. It never shrinks. */
export function wasmMemory(page: Page): Promise<number> {
  return page.evaluate(() => (window as any).quaylightTestMemory.buffer.byteLength);
}
