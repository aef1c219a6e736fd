//! The entry point of the WebAssembly module: hands over to the library.

#[wasm_bindgen::prelude::wasm_bindgen]
pub async fn hydrate(texts: Option<String>) -> Result<(), String> {
    quaylight::hydrate(texts).await
}
