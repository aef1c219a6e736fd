//! The selected line in full, with a link from a search hit to its context.

use super::{Logs, OnDemand};
use crate::{
    client::t,
    model::{LogLine, LogStream, ansi},
    views::{
        format,
        widgets::{boxed, on_click},
    },
};
use leptos::{ev, prelude::*};

pub(super) fn details(it: Logs) -> AnyView {
    boxed(move || {
        let number = it.selected.get()?;
        let line = it.buffer.with_value(|buffer| buffer.line(number))?;
        let text = ansi::plain(&line.text);
        let pretty = pretty(&text);
        let cut = (line.cut > 0)
            .then(|| crate::t!(" · {} truncated", format::count(line.cut as usize, ["{} byte", "{} bytes"])));
        let close = move |_: ev::MouseEvent| it.selected.set(None);
        let is_hit = it.asked.with(|asked| matches!(asked, OnDemand::Search(..))) || it.words.with(|it| !it.is_empty());
        let at = format::exact(line.at);
        let context = (is_hit && line.stream != LogStream::Note).then(|| {
            let line = LogLine::clone(&line);
            let show = move |_: ev::MouseEvent| in_context(it, number, &line);
            view! { <button class="button" on:click=on_click(show)>{t("Show in context")}</button> }.into_any()
        });
        Some(
            view! {
                <div class="details" role="region" aria-label=t("Full line")>
                    <header>
                        <time>{at}</time>
                        <span>{cut}</span>
                        {context}
                        <button class="button" on:click=on_click(close)>{t("Close")}</button>
                    </header>
                    <pre>{pretty.unwrap_or(text)}</pre>
                </div>
            }
            .into_any(),
        )
    })
    .into_any()
}

/// Shows the line among all others: in the buffer, or after a search by loading the log around it.
fn in_context(it: Logs, number: i64, line: &LogLine) {
    it.look_for(String::new());
    if it.asked.with_untracked(|asked| matches!(asked, OnDemand::Search(..))) {
        it.asked.set(OnDemand::Around(line.clone()));
    } else {
        it.reveal(number);
    }
}

/// JSON, pretty-printed.
fn pretty(text: &str) -> Option<String> {
    let text = text.trim();
    if !text.starts_with(['{', '[']) {
        return None;
    }
    let value = js_sys::JSON::parse(text).ok()?;
    let space = wasm_bindgen::JsValue::from_f64(2.0);
    js_sys::JSON::stringify_with_replacer_and_space(&value, &wasm_bindgen::JsValue::NULL, &space).ok().map(String::from)
}
