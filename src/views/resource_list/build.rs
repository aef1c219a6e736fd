//! Dialog for building an image from a Dockerfile, a folder or a tar. It warns in advance of what the engine's builder lacks.

use super::{
    fields::{Text, host, lines, pairs, said, text},
    images::{image_name, upload},
    row_menu::RowMenu,
};
use crate::{
    client::{ChosenFolder, ContextSummary, DOCKERFILE, MOST_FILES, Store, effect, t},
    model::{Build, HostId, ImageName, Job, unsupported_syntax},
    views::{
        Site, format,
        upload::{chosen_file, encoded},
        widgets::{Sent, boxed, check, field, form, on_click, tall_area},
    },
};
use leptos::{ev::Event, html, prelude::*, task::spawn_local};

pub(super) fn build(menu: RowMenu) -> AnyView {
    let [name, target, platform, args] = [(); 4].map(|()| Text::default());
    let [no_cache, pull] = [(); 2].map(|()| StoredValue::new(false));
    let [tar, folder] = [(); 2].map(|()| NodeRef::<html::Input>::new());
    let (dockerfile, path) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let summary = RwSignal::new(None::<ContextSummary>);
    let (host, site) = (host(), Site::expect());
    let look = move || {
        let Some(chosen) = chosen_folder(folder) else { return summary.set(None) };
        let path = dockerfile_path(path);
        spawn_local(async move {
            let found = chosen.summary(&path).await;
            // The dialog may have closed in the meantime.
            summary.try_set(Some(found));
        });
    };
    let type_path = move |typed: String| {
        path.set(typed.trim().to_owned());
        look();
    };
    let choose = on_click(move |_: Event| look());
    // Leptos has no such attribute.
    effect(move || {
        if let Some(input) = folder.get() {
            input.set_webkitdirectory(true);
        }
    });
    let fields = view! {
        {text("Name", "web:1", name)}
        {tall_area("Dockerfile", 10, String::new(), "FROM nginx", Box::new(move |text| dockerfile.set(text)))}
        <label class="field">
            <span>{t("Or upload a folder that contains a Dockerfile")}</span>
            <input type="file" node_ref=folder on:change=choose />
        </label>
        {boxed(move || summary.get().map(|summary| folder_notes(&summary, &dockerfile_path(path))))}
        <label class="field">
            <span>{t("Or upload a build context (.tar) that contains a Dockerfile")}</span>
            <input type="file" accept=".tar,.tar.gz,.tgz,.tar.xz,.tar.bz2" node_ref=tar />
        </label>
        {warnings(host.clone().ok(), dockerfile, summary)}
        <div class="pair">
            {field("Dockerfile path in the build context", "text", String::new(), DOCKERFILE, Box::new(type_path))}
            {text("Target stage", "release", target)}
        </div>
        {text("Platform (optional)", "linux/arm64", platform)}
        {lines("Build arguments", "VERSION=1.2", args)}
        {check(t("Don't use cache (--no-cache)").to_owned(), false, Box::new(move |it| no_cache.set_value(it)))}
        {check(t("Pull newer base images").to_owned(), false, Box::new(move |it| pull.set_value(it)))}
    }
    .into_any();
    let send = move || -> Result<Sent, String> {
        let (host, name) = (host.clone()?, image_name(&name.get_value())?);
        let text = dockerfile.get_untracked();
        let build = Build {
            dockerfile: text.clone(),
            dockerfile_path: None,
            target: said(target),
            platform: said(platform),
            args: pairs(args)?,
            no_cache: no_cache.get_value(),
            pull: pull.get_value(),
        };
        let dockerfile = path.get_untracked();
        match (text.trim().is_empty(), chosen_folder(folder), chosen_file(tar)) {
            (true, None, None) => Err(t("Enter a Dockerfile, or choose a folder or a tar archive").to_owned()),
            (false, None, None) => Ok(menu.start(host, Job::Build(name, build))),
            (true, Some(folder), None) => {
                let path = if dockerfile.is_empty() { DOCKERFILE.to_owned() } else { dockerfile };
                sendable(summary.get_untracked().as_ref(), &path)?;
                let address = site.page(&address(&host, &name, &build, &path));
                let tar = async move {
                    let tar = folder.tar(&path).await;
                    tar.map_err(|_| t("Couldn't read the folder").to_owned())
                };
                Ok(upload(menu, address, tar))
            }
            (true, None, Some(file)) => {
                let address = site.page(&address(&host, &name, &build, &dockerfile));
                Ok(upload(menu, address, async { Ok(file.into()) }))
            }
            _ => Err(t("Provide one of: a Dockerfile, a folder or a tar archive").to_owned()),
        }
    };
    form(t("Build an image").to_owned(), fields, "Build", Box::new(send), menu.closer())
}

fn chosen_folder(input: NodeRef<html::Input>) -> Option<ChosenFolder> {
    ChosenFolder::of(input.get_untracked()?.files())
}

fn dockerfile_path(path: RwSignal<String>) -> String {
    Some(path.get_untracked()).filter(|path| !path.is_empty()).unwrap_or_else(|| DOCKERFILE.to_owned())
}

/// The address that the tar is uploaded to.
fn address(host: &HostId, name: &ImageName, build: &Build, dockerfile: &str) -> String {
    let Build { no_cache, pull, .. } = build;
    let name = encoded(name.as_str());
    let mut address = format!("/api/images/build?host={host}&name={name}&no_cache={no_cache}&pull={pull}");
    let mut add = |key: &str, value: &str| address.push_str(&format!("&{key}={}", encoded(value)));
    if !dockerfile.is_empty() {
        add("dockerfile", dockerfile);
    }
    for (key, value) in [("target", &build.target), ("platform", &build.platform)] {
        if let Some(value) = value {
            add(key, value);
        }
    }
    for (key, value) in build.args.iter() {
        add("arg", &format!("{key}={value}"));
    }
    address
}

/// Rejects a folder whose build is known to fail.
fn sendable(summary: Option<&ContextSummary>, path: &str) -> Result<(), String> {
    let Some(summary) = summary else { return Ok(()) };
    if summary.dockerfile.is_none() {
        return Err(crate::t!("{} not found in this folder", path));
    }
    if summary.files > MOST_FILES {
        return Err(crate::t!(
            "The folder contains more than {} files. Add files the build doesn't need to .dockerignore",
            MOST_FILES
        ));
    }
    Ok(())
}

/// Summary of the folder's upload, and what a browser can't include in it.
fn folder_notes(summary: &ContextSummary, path: &str) -> AnyView {
    let (size, unit) = format::bytes(summary.bytes);
    let files = format::count(summary.files, ["{} file", "{} files"]);
    let sent = format!("{files} · {size} {unit}");
    let ignored = (summary.ignored > 0).then(|| {
        let ignored = format::count(summary.ignored, ["{} file", "{} files"]);
        format!(" · {}", crate::t!("{} excluded by .dockerignore", ignored))
    });
    let fault = sendable(Some(summary), path).err().map(|why| view! { <p class="failed">{why}</p> }.into_any());
    view! {
        <p class="quiet" role="status">{sent} {ignored}</p>
        <p class="quiet">
            {t("Browsers don't report file permissions, so all files are marked as executable. Symbolic links are replaced with their targets or skipped. Empty folders are skipped.")}
        </p>
        {fault}
    }
    .into_any()
}

/// Warns of Dockerfile syntax that the engine's builder doesn't support.
fn warnings(host: Option<HostId>, dockerfile: RwSignal<String>, summary: RwSignal<Option<ContextSummary>>) -> AnyView {
    let store = expect_context::<Store>();
    boxed(move || {
        let typed = dockerfile.get();
        let of_folder = summary.get().and_then(|summary| summary.dockerfile);
        let text = if typed.trim().is_empty() { of_folder? } else { typed };
        let engine = store.look(|state| state.host(host.as_ref()?)?.engine.clone())?;
        let unknown = unsupported_syntax(&text, &engine);
        if unknown.is_empty() {
            return None;
        }
        let list: Vec<_> = unknown
            .into_iter()
            .map(|(syntax, line)| view! { <li>{crate::t!("Line {}: {}", line, t(syntax.label()))}</li> }.into_any())
            .collect();
        let head = crate::t!("{} {} doesn't support this syntax:", engine.product, engine.version);
        Some(view! { <div class="failed" role="status"><p>{head}</p><ul>{list}</ul></div> }.into_any())
    })
    .into_any()
}
