//! Popup menu anchored to a button: arrow keys, Home and End move, Escape closes. The focus returns to the button.

use crate::client::effect;
use leptos::{ev, html, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

/// Mounted only while it is open. `from` is the button that it is anchored to.
#[component]
pub fn Menu(
    name: String,
    from: HtmlElement,
    on_close: impl Fn() + Clone + Send + Sync + 'static,
    children: Children,
) -> impl IntoView {
    let menu = NodeRef::<html::Div>::new();
    let close_on_scroll = on_close.clone();
    let from = StoredValue::new_local(from);
    let close = {
        let on_close = on_close.clone();
        move || {
            let _ = from.with_value(HtmlElement::focus);
            on_close();
        }
    };
    effect(move || {
        let Some(menu) = menu.get() else { return };
        let button = from.with_value(|from| from.get_bounding_client_rect());
        let (width, height) = (menu.offset_width(), menu.offset_height());
        let below = button.bottom() as i32 + 4;
        let room = window().inner_height().ok().and_then(|it| it.as_f64()).map_or(i32::MAX, |room| room as i32);
        let top = if below + height > room { (button.top() as i32 - 4 - height).max(4) } else { below };
        // Through the CSSOM: a strict content security policy allows no style attribute.
        let style = HtmlElement::style(&menu);
        let _ = style.set_property("--x", &format!("{}px", (button.right() as i32 - width).max(4)));
        let _ = style.set_property("--y", &format!("{top}px"));
        focus_item(&menu, Move::First);
    });
    effect(move || {
        let on_close = on_close.clone();
        let listener = window_event_listener(ev::pointerdown, move |event| {
            let inside = menu.get_untracked().zip(event.target()).is_some_and(|(menu, target)| {
                target.dyn_ref::<web_sys::Node>().is_some_and(|target| menu.contains(Some(target)))
            });
            if !inside {
                on_close();
            }
        });
        on_cleanup(move || listener.remove());
    });
    effect(move || {
        let on_close = close_on_scroll.clone();
        let listener = window_event_listener(ev::wheel, move |_| on_close());
        on_cleanup(move || listener.remove());
    });
    let on_key = move |event: ev::KeyboardEvent| {
        let Some(menu) = menu.get_untracked() else {
            return;
        };
        match event.key().as_str() {
            "ArrowDown" => focus_item(&menu, Move::By(1)),
            "ArrowUp" => focus_item(&menu, Move::By(-1)),
            "Home" => focus_item(&menu, Move::First),
            "End" => focus_item(&menu, Move::Last),
            "Escape" | "Tab" => close(),
            _ => return,
        }
        event.prevent_default();
    };
    // Before the item's own handler: a dialog that it opens returns the focus to the element that had it.
    let focus_button = move |_| drop(from.with_value(HtmlElement::focus));
    view! {
        <div class="menu" role="menu" aria-label=name node_ref=menu on:keydown=on_key on:click:capture=focus_button>
            {children()}
        </div>
    }
}

enum Move {
    First,
    Last,
    By(i32),
}

fn focus_item(menu: &HtmlElement, to: Move) {
    let Ok(items) = menu.query_selector_all("[role=menuitem]") else {
        return;
    };
    let count = i32::try_from(items.length()).unwrap_or_default();
    let focused = document().active_element();
    let at = (0..count).find(|at| items.item(*at as u32).as_ref() == focused.as_deref());
    let next = match to {
        Move::First => 0,
        Move::Last => count - 1,
        Move::By(step) => at.map_or(0, |at| (at + step).rem_euclid(count.max(1))),
    };
    if let Some(item) = items.item(next as u32).and_then(|item| item.dyn_into::<HtmlElement>().ok()) {
        let _ = item.focus();
    }
}
