//! Data loaded from the server on demand, with its loading state.

use crate::{
    client::{t, translate},
    views::widgets::{boxed, empty},
    wire::ActionError,
};
use leptos::{prelude::*, task::spawn_local};
use std::future::Future;

enum LoadState<T: 'static> {
    Loading,
    Loaded(T),
    Failed(ActionError),
}

/// Data that is loaded on demand.
pub struct OnDemand<T: 'static> {
    answer: RwSignal<LoadState<T>>,
    /// Counts calls of `forget`: answers to earlier requests are dropped.
    round: StoredValue<u32>,
}

impl<T> Clone for OnDemand<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for OnDemand<T> {}

impl<T: PartialEq + Send + Sync + 'static> OnDemand<T> {
    pub fn new() -> Self {
        Self { answer: RwSignal::new(LoadState::Loading), round: StoredValue::new(0) }
    }

    /// Drops the answer, because it belongs to something else.
    pub fn forget(self) {
        self.round.update_value(|round| *round += 1);
        self.answer.set(LoadState::Loading);
    }

    /// Loads an answer. The current one stays until a different one arrives.
    pub fn ask(self, answer: impl Future<Output = Result<T, ActionError>> + 'static) {
        let round = self.round.get_value();
        spawn_local(async move {
            let answer = match answer.await {
                Ok(it) => LoadState::Loaded(it),
                Err(error) => LoadState::Failed(error),
            };
            if self.round.try_get_value() != Some(round) {
                return;
            }
            let is_same = self.answer.try_with_untracked(|before| match (before, &answer) {
                (LoadState::Loaded(before), LoadState::Loaded(now)) => before == now,
                _ => false,
            });
            if is_same == Some(false) {
                self.answer.try_set(answer);
            }
        });
    }

    /// Reads the answer untracked.
    pub fn look<R>(self, read: impl FnOnce(&T) -> R) -> Option<R> {
        self.answer.with_untracked(|answer| if let LoadState::Loaded(it) = answer { Some(read(it)) } else { None })
    }

    /// Draws the answer with `draw`. Until it has arrived, shows that it is loading or why it failed.
    pub fn draw(self, title: &'static str, draw: impl Fn(&T) -> AnyView + Send + 'static) -> AnyView {
        boxed(move || {
            self.answer.with(|answer| match answer {
                LoadState::Loading => view! { <p class="quiet padded" role="status">{t("Loading…")}</p> }.into_any(),
                LoadState::Failed(error) => {
                    let words = translate(&error.words());
                    empty("info", t(title), boxed(move || words.clone()), ().into_any())
                }
                LoadState::Loaded(it) => draw(it),
            })
        })
        .into_any()
    }
}
