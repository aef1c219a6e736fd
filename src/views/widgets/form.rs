//! Form in a dialog. Submitting sends it, and the dialog closes on success. On failure it stays open and shows the error.

use super::{Dialog, boxed, on_click};
use crate::{
    client::{t, translate},
    wire::ActionError,
};
use leptos::{ev::SubmitEvent, prelude::*, task::spawn_local};
use std::{future::Future, pin::Pin, rc::Rc};

/// A submission in progress.
pub type Sent = Pin<Box<dyn Future<Output = Result<(), ActionError>>>>;

type Send = Box<dyn FnMut() -> Result<Sent, String>>;

/// `send` submits the input, or returns why it is invalid, in the user's language. `verb` is the label of the submit button.
pub fn form(title: String, fields: AnyView, verb: &'static str, send: Send, close: Rc<dyn Fn()>) -> AnyView {
    form_with("button main", title, fields, verb, send, close)
}

/// [`form`] or [`danger_form`].
pub type Form = fn(String, AnyView, &'static str, Send, Rc<dyn Fn()>) -> AnyView;

/// Like `form`, for an action that can't be undone.
pub fn danger_form(title: String, fields: AnyView, verb: &'static str, send: Send, close: Rc<dyn Fn()>) -> AnyView {
    form_with("button danger main", title, fields, verb, send, close)
}

fn form_with(
    class: &'static str,
    title: String,
    fields: AnyView,
    verb: &'static str,
    mut send: Send,
    close: Rc<dyn Fn()>,
) -> AnyView {
    let error = RwSignal::new(None::<String>);
    let is_busy = RwSignal::new(false);
    let (done, cancelled) = (close.clone(), close.clone());
    let submit = on_click(move |event: SubmitEvent| {
        event.prevent_default();
        let sent = match send() {
            Ok(sent) => sent,
            Err(why) => return error.set(Some(why)),
        };
        error.set(None);
        is_busy.set(true);
        let done = done.clone();
        spawn_local(async move {
            let outcome = sent.await;
            // The form was closed in the meantime: the dialog that is open now is a different one.
            if is_busy.try_set(false).is_some() {
                return;
            }
            match outcome {
                Ok(()) => done(),
                Err(failed) => drop(error.try_set(Some(translate(&failed.words())))),
            }
        });
    });
    let form = view! {
        <form class="form" on:submit=submit>
            {fields}
            <p class="failed" role="alert">{boxed(move || error.get())}</p>
            <footer>
                <button type="button" class="button" on:click=on_click(move |_| cancelled())>{t("Cancel")}</button>
                <button type="submit" class=class disabled=boxed(move || is_busy.get())>{t(verb)}</button>
            </footer>
        </form>
    }
    .into_any();
    view! {
        <Dialog title on_close=move || close()>
            {form}
        </Dialog>
    }
    .into_any()
}
