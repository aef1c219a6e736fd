//! Messages in JSON that a script has parsed.

use crate::model::Message;
use wasm_bindgen::JsValue;

/// Reads the form that [`crate::model::StructuredMessage`] has in JSON. Anything else is an empty message.
pub fn message_of(value: &JsValue) -> Message {
    let field = |of: &JsValue, name: &str| js_sys::Reflect::get(of, &name.into()).unwrap_or_default();
    if let Some(text) = value.as_string() {
        return Message::Verbatim(text);
    }
    let (id, values) = (field(value, "id"), field(value, "values"));
    id.as_string().map_or_else(Message::default, |id| Message::named(id, |name| message_of(&field(&values, name))))
}
