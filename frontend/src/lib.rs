//! The entry point of the WebAssembly module: hands over to the library.

#[wasm_bindgen::prelude::wasm_bindgen]
pub async fn hydrate() -> Result<(), String> {
    quaylight::hydrate().await
}
