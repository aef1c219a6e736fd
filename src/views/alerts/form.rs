//! Form shared by all dialogs of the page.

use super::Page;
use crate::{
    actions::alerts::change_alerts,
    client::{Level, t},
    model::AlertChange,
    views::widgets::{self, Sent},
};
use leptos::prelude::*;
use std::rc::Rc;

/// A form in a dialog. `change` returns the change to send, or why the input is invalid.
pub(super) fn form(
    page: Page,
    title: String,
    fields: AnyView,
    mut change: Box<dyn FnMut() -> Result<AlertChange, String>>,
    done: &'static str,
) -> AnyView {
    let send = move || {
        let change = change()?;
        let sent: Sent = Box::pin(async move {
            change_alerts(change).await?;
            page.toasts.show(Level::Ok, t(done), None);
            page.refresh();
            Ok(())
        });
        Ok(sent)
    };
    widgets::form(title, fields, "Save", Box::new(send), Rc::new(move || page.close()))
}
