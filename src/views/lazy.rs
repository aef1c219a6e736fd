//! Lazily loaded views: parts of the app whose code the browser loads when they are needed.
//!
//! `wasm_split` moves a function, and everything that only it calls, into a separate file: a chunk. Code that two chunks
//! share and the rest doesn't use becomes a chunk for the two, and so on for each set of chunks. Pages that share much code
//! are therefore better in one chunk.

use super::widgets::boxed;
use crate::client::{ClientOnly, ErasedMemo, Level, Toasts, effect, t};
use futures::{
    channel::oneshot,
    future::{Either, select},
};
use leptos::{
    prelude::*, reactive::computed::ScopedFuture, tachys::reactive_graph::OwnedView, task::spawn_local,
    wasm_split::SplitLoaderError,
};
use leptos_meta::Title;
use leptos_router::hooks::use_location;
use std::{
    future::Future,
    pin::{Pin, pin},
    time::Duration,
};

/// A view whose code is in a chunk. Defined by [`lazy_code`].
#[derive(Clone, Copy)]
pub struct LazyCode {
    /// The name of the chunk, whose files the server preloads.
    pub chunk: &'static str,
    /// Loads the code. Afterwards the view can be created at once. After a failure the next call tries again.
    pub load: fn() -> Loading<()>,
    pub(super) view: fn() -> Loading<AnyView>,
}

type Loading<T> = Pin<Box<dyn Future<Output = Result<T, SplitLoaderError>>>>;

/// `lazy_code!(FILES in log: files_part())` defines `FILES`, a [`LazyCode`] in the chunk `log`. The view may use nothing of
/// the function around it.
macro_rules! lazy_code {
    ($(#[$attribute:meta])* $visibility:vis $name:ident in $chunk:ident: $view:expr) => {
        $(#[$attribute])*
        $visibility const $name: $crate::views::lazy::LazyCode = {
            #[leptos::wasm_split::wasm_split($chunk, wasm_split_path = leptos::wasm_split, preload(load), fallible)]
            fn view() -> Result<leptos::prelude::AnyView, leptos::wasm_split::SplitLoaderError> {
                Ok(leptos::prelude::IntoAny::into_any($view))
            }
            $crate::views::lazy::LazyCode {
                chunk: stringify!($chunk),
                load: || Box::pin(load()),
                view: || Box::pin(view()),
            }
        };
    };
}
pub(super) use lazy_code;

/// A lazily loaded part of a page. Mounted while `wanted` is true, and built again each time.
pub fn lazy(wanted: ErasedMemo<bool>, code: LazyCode) -> AnyView {
    let (owner, toasts) = (Owner::current(), expect_context::<Toasts>());
    let (shown, loaded) = (RwSignal::new(false), ClientOnly::<AnyView>::default());
    effect(move || {
        if !wanted.get() {
            shown.set(false);
            return;
        }
        let Some(owner) = owner.as_ref().map(Owner::child) else { return };
        let coming = owner.with(|| ScopedFuture::new((code.view)()));
        spawn_local(async move {
            match coming.await {
                Ok(view) if wanted.try_with_untracked(|wanted| *wanted) == Some(true) => {
                    loaded.set(Some(OwnedView::new_with_owner(view, owner).into_any()));
                    shown.set(true);
                }
                Ok(_) => {}
                Err(_) => toasts.show(Level::Error, t("Couldn't load this"), Some(t(RELOAD).to_owned())),
            }
        });
    });
    boxed(move || shown.get().then(|| loaded.take()).flatten()).into_any()
}

const RELOAD: &str = "Can't reach Quaylight, or it was updated. Reload the page.";

/// Creates the view of a whole page. `title` is shown while its code is loading.
pub(super) async fn lazy_page(code: LazyCode, title: &'static str) -> AnyView {
    let mut loading = Box::pin(view_or_page_load(code));
    if is_server() {
        return loading.await;
    }
    let loaded = match select(&mut loading, pin!(delay(LOADING_SHOWS_AFTER))).await {
        Either::Left((view, _)) => Some(view),
        Either::Right(_) => None,
    };
    loaded.unwrap_or_else(|| loading_page(title, loading))
}

async fn view_or_page_load(code: LazyCode) -> AnyView {
    let wanted = address();
    match (code.view)().await {
        Ok(view) => view,
        // The user has navigated elsewhere in the meantime, and the router drops this view.
        Err(_) if address() != wanted => ().into_any(),
        Err(_) => load_whole(&wanted).await,
    }
}

/// Within this time a click shows the page or a loading message.
const LOADING_SHOWS_AFTER: Duration = Duration::from_millis(120);

/// Browser only.
async fn delay(time: Duration) {
    let (over, is_over) = oneshot::channel();
    set_timeout(move || over.send(()).unwrap_or_default(), time);
    is_over.await.ok();
}

/// The placeholder shown while a page's code is loading.
fn loading_page(title: &'static str, loading: Pin<Box<impl Future<Output = AnyView> + 'static>>) -> AnyView {
    let (shown, loaded) = (RwSignal::new(false), ClientOnly::<AnyView>::default());
    spawn_local(ScopedFuture::new(async move {
        let view = loading.await;
        loaded.set(Some(OwnedView::new(view).into_any()));
        shown.try_set(true);
    }));
    boxed(move || {
        if shown.get() {
            return loaded.take();
        }
        let loading = view! {
            <Title text=t(title) />
            <div class="head"><h1>{t(title)}</h1></div>
            <p class="quiet padded" role="status">{t("Loading…")}</p>
        }
        .into_any();
        Some(loading)
    })
    .into_any()
}

/// The router's target address. The address bar follows later.
fn address() -> String {
    let to = use_location();
    let (path, search, hash) = (to.pathname.get_untracked(), to.search.get_untracked(), to.hash.get_untracked());
    if search.is_empty() { format!("{path}{hash}") } else { format!("{path}?{search}{hash}") }
}

/// Fallback when a chunk can't be loaded, usually because the server runs another release by now. The browser then
/// navigates to the page itself, as it would without our code. The current page stays visible until then.
async fn load_whole(address: &str) -> AnyView {
    let location = window().location();
    let wanted = format!("{}{address}", location.origin().unwrap_or_default());
    // After "back" the address bar already has this address, and assigning the same address with a hash doesn't load anything.
    let _ = if location.href().is_ok_and(|here| here == wanted) { location.reload() } else { location.assign(&wanted) };
    std::future::pending().await
}
