//! Containers and resources that need attention, worst first.

use crate::{
    client::{Store, erased_memo, order, t},
    model::{Container, ContainerState, EngineState, Health, Key, Kind, Timestamp},
    views::{
        Site, format,
        widgets::{Ago, boxed},
    },
};
use leptos::prelude::*;

/// Maximum number of entries. More would hide the worst.
const MOST: usize = 12;

/// Exits longer ago than this, in seconds, need no attention.
const RECENT: i64 = 7 * 24 * 3_600;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct AttentionItem {
    /// Values of the mark's `data-*` attributes.
    state: Option<&'static str>,
    health: Option<&'static str>,
    usage: Option<&'static str>,
    failed: bool,
    word: &'static str,
    name: String,
    page: String,
    detail: String,
    since: Option<Timestamp>,
}

fn concerns(state: &EngineState, now: Timestamp) -> Vec<AttentionItem> {
    let all: Vec<(u8, AttentionItem)> = state.containers().filter_map(|it| concern(it, now)).collect();
    // Worst first, then latest first.
    let compare = &mut |a: usize, b: usize| (all[a].0, all[b].1.since).cmp(&(all[b].0, all[a].1.since));
    let mut all: Vec<AttentionItem> = order(all.len(), compare).into_iter().map(|at| all[at].1.clone()).collect();
    let dangling = state.images().filter(|it| it.is_dangling() && it.usage.all == 0);
    let (count, size) = dangling.fold((0, 0), |(count, size), it| (count + 1, size + it.size));
    if count > 0 {
        let (size, unit) = format::bytes(size);
        let name = crate::t!("{} without a tag", format::count(count, ["{} image", "{} images"]));
        all.push(housekeeping("dangling", "Dangling", name, "/images?usage=dangling", format!("{size} {unit}")));
    }
    let unused = state.volumes().filter(|it| it.usage.all == 0).count();
    if unused > 0 {
        let name = crate::t!("{} not used by any container", format::count(unused, ["{} volume", "{} volumes"]));
        all.push(housekeeping("none", "Unused", name, "/volumes?usage=unused", String::new()));
    }
    all
}

/// The containers that need attention, worst first.
pub fn needing_attention(state: &EngineState, now: Timestamp) -> Vec<Key> {
    let all: Vec<_> = state.containers().filter_map(|it| Some((concern(it, now)?, it))).collect();
    let compare = &mut |a: usize, b: usize| {
        let ((rank_a, a), (rank_b, b)) = (&all[a].0, &all[b].0);
        (rank_a, b.since).cmp(&(rank_b, a.since))
    };
    let keys = order(all.len(), compare).into_iter().map(|at| all[at].1);
    keys.map(|it| Key::Container(it.host.clone(), it.id.clone())).collect()
}

fn concern(it: &Container, now: Timestamp) -> Option<(u8, AttentionItem)> {
    let page = format!("/containers?q={}", it.name);
    let ended = it.finished_at.is_none_or(|ended| now.seconds() - ended.seconds() < RECENT);
    let code = it.exit_code.unwrap_or_default();
    let restarts = match it.restart_count {
        Some(1) => t(", restarted once").to_owned(),
        Some(count) if count > 0 => crate::t!(", restarted {} times", count),
        _ => String::new(),
    };
    let (rank, word, detail, since) = match it.state {
        ContainerState::Dead => (1, "Dead", t("couldn't be removed").to_owned(), it.finished_at),
        ContainerState::Restarting => (2, "Restarting", crate::t!("exited ({})", code) + &restarts, it.finished_at),
        ContainerState::Exited if code != 0 && ended => {
            let why = if it.oom_killed { t(", OOM killed") } else { "" };
            (3, "Exited", crate::t!("exit code {}", code) + why, it.finished_at)
        }
        _ if it.health == Some(Health::Unhealthy) => {
            (0, "Unhealthy", t("health check failing").to_owned() + &restarts, it.started_at)
        }
        _ => return None,
    };
    let is_unhealthy = rank == 0;
    let concern = AttentionItem {
        state: (!is_unhealthy).then_some(it.state.as_str()),
        health: is_unhealthy.then_some("unhealthy"),
        usage: None,
        failed: word == "Exited",
        word,
        name: it.name.clone(),
        page,
        detail,
        since,
    };
    Some((rank, concern))
}

fn housekeeping(usage: &'static str, word: &'static str, name: String, page: &str, detail: String) -> AttentionItem {
    let page = page.to_owned();
    AttentionItem {
        state: None,
        health: None,
        usage: Some(usage),
        failed: false,
        word,
        name,
        page,
        detail,
        since: None,
    }
}

#[component]
pub(super) fn Attention() -> impl IntoView {
    let store = expect_context::<Store>();
    let all = {
        let store = store.clone();
        erased_memo(move || {
            [Kind::Container, Kind::Image, Kind::Volume].into_iter().for_each(|kind| store.track(kind));
            let now = store.now().get_untracked();
            store.look(|state| concerns(state, now))
        })
    };
    let whole = store.clone();
    let count = boxed(move || {
        let count = all.with(Vec::len);
        (count > 0 && whole.is_whole()).then(|| view! { <small>{count.to_string()}</small> }.into_any())
    });
    let is_quiet = erased_memo(move || all.with(Vec::is_empty));
    let hidden = move || {
        let hidden = all.with(Vec::len).saturating_sub(MOST);
        (hidden > 0).then(|| view! { <p class="quiet">{crate::t!("{} more", hidden)}</p> }.into_any())
    };
    view! {
        <section class="attention" aria-labelledby="attention">
            <h2 id="attention">{t("Needs attention")} {count}</h2>
            {boxed(move || if is_quiet.get() {
                view! { <Quiet /> }.into_any()
            } else {
                view! {
                    <ul class="lines">
                        {boxed(move || all.get().into_iter().take(MOST).map(line).collect::<Vec<_>>())}
                    </ul>
                    {boxed(hidden)}
                }.into_any()
            })}
        </section>
    }
}

fn line(concern: AttentionItem) -> AnyView {
    let class = if concern.health.is_some() { "state well" } else { "state" };
    let page = Site::expect().page(&concern.page);
    let detail = (!concern.detail.is_empty())
        .then(|| view! { <small title=concern.detail.clone()>{concern.detail.clone()}</small> }.into_any());
    view! {
        <li>
            <span
                class=class
                data-state=concern.state
                data-health=concern.health
                data-use=concern.usage
                data-code=concern.failed.then_some("")
            >
                {t(concern.word)}
            </span>
            <a href=page title=concern.name.clone()>{concern.name.clone()}</a>
            {detail}
            {concern.since.map(|time| view! { <Ago time /> }.into_any())}
        </li>
    }
    .into_any()
}

#[component]
fn Quiet() -> impl IntoView {
    let store = expect_context::<Store>();
    let host = store.clone();
    let reached =
        erased_memo(move || host.main_host().map_or((false, false), |it| (it.was_reached(), it.is_reachable())));
    let words = move || {
        let running = store.in_state(ContainerState::Running);
        match store.count(Kind::Container) {
            0 => t("No containers yet.").to_owned(),
            all => crate::t!(
                "{} of {} running, none unhealthy or failed.",
                running,
                format::count(all, ["{} container", "{} containers"])
            ),
        }
    };
    let quiet = boxed(move || match reached.get() {
        (false, _) => t("Connecting to the engine…").into_any(),
        (true, true) => view! { <b>{t("All clear.")}</b> " " {boxed(words.clone())} }.into_any(),
        (true, false) => {
            view! { {t("The engine isn't responding. Last known state:")} " " {boxed(words.clone())} }.into_any()
        }
    });
    view! { <p class="quiet">{quiet}</p> }
}
