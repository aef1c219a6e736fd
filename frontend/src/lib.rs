//! The entry point of the WebAssembly module: hands over to the library.

#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    quaylight::hydrate();
}
