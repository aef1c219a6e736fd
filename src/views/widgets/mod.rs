//! Widgets that know nothing about Docker.

mod ago;
mod boxed;
mod chart;
mod command;
mod controls;
mod dialog;
mod field;
mod form;
mod glow;
mod icon;
mod memo_view;
mod menu;
mod search;

pub use ago::Ago;
pub use boxed::{Boxed, boxed, on_click};
pub use chart::{Axis, Plot, chart};
pub use command::Command;
pub use controls::{Click, button, chip, column, empty, sort_word, toggle};
pub use dialog::Dialog;
pub use field::{area, check, choice, field, tall_area};
pub use form::{Form, Sent, danger_form, form};
pub use glow::{Glow, glow};
pub use icon::Icon;
pub use memo_view::memo_view;
pub use menu::Menu;
pub use search::Search;
