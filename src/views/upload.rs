//! File upload from the browser to the server.

use crate::{
    client::message_of,
    message,
    wire::{ActionError, ErrorKind, IDEMPOTENCY_KEY},
};
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, File, HtmlInputElement, RequestInit, Response};

/// Encodes a value for a query string.
pub fn encoded(text: &str) -> String {
    String::from(js_sys::encode_uri_component(text))
}

pub fn chosen_file(input: NodeRef<leptos::html::Input>) -> Option<File> {
    file_of(&input.get_untracked()?)
}

pub fn file_of(input: &HtmlInputElement) -> Option<File> {
    input.files()?.get(0)
}

/// Resolves when the server has answered. Leaving Quaylight cancels the upload. A browser may resend the request by itself
/// when its connection breaks: the server recognizes that by the idempotency key.
pub async fn send_file(address: &str, file: &Blob) -> Result<(), ActionError> {
    let lost = || ActionError::new(ErrorKind::Unavailable, message!("Connection lost before the transfer finished"));
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_body(file.unchecked_ref());
    let key = js_sys::Math::random().to_bits().to_string();
    let header = js_sys::Array::of2(&IDEMPOTENCY_KEY.into(), &key.into());
    init.set_headers(&js_sys::Array::of1(&header));
    let answer = JsFuture::from(window().fetch_with_str_and_init(address, &init));
    let answer: Response = answer.await.map_err(|_| lost())?.unchecked_into();
    if answer.ok() {
        return Ok(());
    }
    let text = answer.text().map_err(|_| lost())?;
    let text = JsFuture::from(text).await.ok().and_then(|it| it.as_string()).unwrap_or_default();
    // A JSON problem, whose `message` states what to do.
    let problem = js_sys::JSON::parse(&text).unwrap_or_default();
    let message = js_sys::Reflect::get(&problem, &"message".into()).map(|it| message_of(&it)).unwrap_or_default();
    let message =
        if message.is_empty() { message!("Server response: {status}", status = answer.status()) } else { message };
    Err(ActionError::new(ErrorKind::Engine, message))
}
