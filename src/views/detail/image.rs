//! Image details: layers and history.

use super::{beside, created, grid, resource_page, several, text, users, with_users};
use crate::{
    client::{Row, Store, effect, t},
    model::{ImageDetails, ImagePlatform, Key, Kind, Layer, Permission},
    queries::details::read_image_details,
    views::{
        format, images,
        inspected::inspected,
        lazy::lazy_code,
        may,
        on_demand::OnDemand,
        page_entry::{Code, PageEntry, on_server},
        resource_list::RowMenu,
        sees_all,
        widgets::{Ago, Search, boxed, on_click},
    },
};
use leptos::{ev::MouseEvent, prelude::*};

pub(in crate::views) const IMAGE: PageEntry = PageEntry {
    title: "Image",
    link: None,
    code: Code::Lazy(CODE),
    initial_state: on_server(|visit| with_users(Kind::Image, visit)),
};

lazy_code!(CODE in lists: ImagePage());

#[component]
pub fn ImagePage() -> impl IntoView {
    resource_page(&images::LIST, "Image not found", body)
}

fn body(_: RowMenu, key: &Key, row: Row) -> AnyView {
    let Key::Image(host, id) = key.clone() else { return ().into_any() };
    let asked = OnDemand::<ImageDetails>::new();
    let may_read = may(Permission::Read) && sees_all();
    if may_read {
        let (host, id) = (host.clone(), id.clone());
        effect(move || asked.ask(read_image_details(host.clone(), id.clone())));
    }
    let (words, is_raw) = (RwSignal::new(String::new()), RwSignal::new(false));
    let store = expect_context::<Store>();
    let of = host.clone();
    let foreign = move |platform: &str| {
        let engine = store.look(|state| state.host(&of).and_then(|host| host.engine.clone()))?;
        let words = crate::t!(
            "This image is for {}, but the engine is {}. It runs only with emulation.",
            platform,
            engine.architecture()
        );
        (!engine.is_native(platform)).then(|| view! { <p class="caution">{words}</p> }.into_any())
    };
    let draw = move |it: &ImageDetails| {
        let raw = boxed(move || is_raw.get().to_string());
        view! {
            {foreign(&it.platform)}
            <h2>{t("Layers")}</h2>
            {layers(&it.layers)}
            <h2>{t("Image configuration")}</h2>
            <div class="tools">
                <Search what=t("properties") value=words on_input=Box::new(move |it| words.set(it)) />
                <button class="button" aria-pressed=raw on:click=on_click(move |_: MouseEvent| is_raw.update(|it| *it = !*it))>"JSON"</button>
            </div>
            {inspected(it.inspected.clone(), words, is_raw)}
        }
        .into_any()
    };
    let main = may_read.then(|| {
        let layers = asked.draw(t("Couldn't load the image layers"), draw);
        view! { <section class="inside" aria-label=t("Layers")>{layers}</section> }.into_any()
    });
    let facts = boxed(move || {
        let entity = row.get();
        let it = entity.as_image()?;
        let (size, unit) = format::bytes(it.size);
        Some(grid([
            several("Tags", it.tags.iter().cloned()),
            Some(text("ID", it.id.short())),
            Some(text("Size", format!("{size} {unit}"))),
            created(it.created),
            several("Platforms", it.platforms.iter().map(platform)),
            several("Digests", it.digests.iter().cloned()),
        ]))
    });
    let by = users(key, |it| t(it.state.as_str()).to_owned());
    beside("Image", main.into_any(), view! { {facts} {by} }.into_any())
}

fn platform(it: &ImagePlatform) -> String {
    let size = it.size.map(|size| {
        let (size, unit) = format::bytes(size);
        format!("{size} {unit}")
    });
    let size = size.unwrap_or_else(|| t("not pulled").to_owned());
    let attested = if it.is_attested { format!(" · {}", t("attested")) } else { String::new() };
    format!("{} · {size}{attested}", it.name)
}

/// The latest layer comes first, as layers are stacked.
fn layers(layers: &[Layer]) -> AnyView {
    let row = |it: &Layer| {
        let (size, unit) = format::bytes(it.size);
        let comment = Some(it.comment.clone()).filter(|it| !it.is_empty() && !it.starts_with("buildkit"));
        let made = if it.created_by.is_empty() {
            comment.unwrap_or_else(|| t("imported").to_owned())
        } else {
            it.created_by.clone()
        };
        view! {
            <tr data-layer="">
                <td class="path">{made}</td>
                <td class="number">{size} " " {unit}</td>
                <td class="when">{it.created.map(|time| view! { <Ago time /> }.into_any())}</td>
            </tr>
        }
        .into_any()
    };
    let rows: Vec<_> = layers.iter().map(row).collect();
    view! {
        <table class="plain listing">
            <thead>
                <tr>
                    <th scope="col">{t("Created by")}</th>
                    <th scope="col" class="number">{t("Size")}</th>
                    <th scope="col" class="when">{t("Created")}</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}
