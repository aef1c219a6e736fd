//! Shell in the container. The terminal is a custom element: see `public/terminal.js`.

use crate::{
    client::{Store, erased_memo, message_of, t, translate},
    model::ContainerState,
    views::{
        Site,
        widgets::{boxed, button, empty, field},
    },
    wire::routes,
};
use leptos::{ev, prelude::*, tachys::html::element::custom};
use wasm_bindgen::JsCast;

/// The requested session. A new number starts another attempt.
#[derive(Debug, Clone, PartialEq, Default)]
struct OnDemand {
    command: String,
    user: String,
    number: u32,
}

pub(super) fn terminal_part() -> AnyView {
    let key = expect_context::<super::Shown>().0;
    let store = expect_context::<Store>();
    let Some(row) = store.entity(&key) else { return ().into_any() };
    let runs = erased_memo(move || row.container(|it| it.state == ContainerState::Running));
    let asked = RwSignal::new(None::<OnDemand>);
    let words = RwSignal::new(String::new());
    let (command, user) = (StoredValue::new(String::new()), StoredValue::new(String::new()));
    let number = StoredValue::new(0);
    let open = move |_: ev::MouseEvent| {
        number.update_value(|number| *number += 1);
        words.set(t("Connecting…").to_owned());
        asked.set(Some(OnDemand { command: command.get_value(), user: user.get_value(), number: number.get_value() }));
    };
    let site = Site::expect();
    let (script, sheet) = (site.file("/terminal.js"), site.file("/terminal/xterm.css"));
    let base = format!("{}{}?id={}", site.base_path, routes::TERMINAL, key.id());
    let screen = boxed(move || {
        let Some(OnDemand { command, user, .. }) = asked.get() else {
            return runs.get().then(|| {
                view! { <p class="quiet padded">{t("Open a shell or run a command in the container.")}</p> }.into_any()
            });
        };
        let encoded = |text: &str| String::from(js_sys::encode_uri_component(text));
        let socket = format!("{base}&command={}&user={}", encoded(&command), encoded(&user));
        let said = move |event: ev::CustomEvent| words.set(translate(&message_of(&event.detail())));
        let terminal =
            custom("quay-terminal").attr("data-socket", socket).on(ev::Custom::<ev::CustomEvent>::new("said"), said);
        Some(terminal.into_any())
    });
    let stopped = boxed(move || {
        (!runs.get() && asked.with(Option::is_none)).then(|| {
            empty(
                "stop",
                t("Container isn't running"),
                boxed(|| t("Start the container to open a terminal.").to_owned()),
                ().into_any(),
            )
        })
    });
    load(&script, &sheet);
    view! {
        <section class="terminal" aria-label=t("Terminal")>
            <div class="tools">
                {field("Command", "text", String::new(), "auto-detect", Box::new(move |text| command.set_value(text)))}
                {field("User", "text", String::new(), "image default", Box::new(move |text| user.set_value(text)))}
                {button("button main", "start", boxed(move || t(if asked.with(Option::is_some) { "Reconnect" } else { "Open" }).to_owned()), Box::new(open))}
                <p class="quiet" role="status">{boxed(move || words.get())}</p>
            </div>
            {stopped}
            <div class="screen">{screen}</div>
        </section>
    }
    .into_any()
}

/// Loads the terminal's script and style sheet when a terminal is opened. The script defines the element once.
fn load(script: &str, sheet: &str) {
    let document = document();
    let Some(head) = document.query_selector("head").ok().flatten() else { return };
    if document.query_selector("link[data-terminal]").ok().flatten().is_some() {
        return;
    }
    let put = |name: &str, attributes: &[(&str, &str)]| {
        let Ok(element) = document.create_element(name) else { return };
        for (key, value) in attributes {
            let _ = element.set_attribute(key, value);
        }
        let _ = head.append_child(element.unchecked_ref());
    };
    put("link", &[("rel", "stylesheet"), ("href", sheet), ("data-terminal", "")]);
    put("script", &[("type", "module"), ("src", script)]);
}
