//! Tests of the layering: which folder may not use which crate or module, following the map in `lib.rs`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// Rust sources under `src/`, as path and text, without their tests and comments.
fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|it| it == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
                let code: Vec<&str> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
                found.push((path.to_string_lossy().replace('\\', "/"), code.join("\n")));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&root, &mut found);
    let prefix = format!("{}/", root.to_string_lossy());
    found.into_iter().map(|(path, code)| (path.trim_start_matches(&prefix).to_owned(), code)).collect()
}

/// Whether a path in `code` uses the crate or module `word`.
fn names(code: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        let (before, after) = (&code[..at], &code[at + word.len()..]);
        let is_whole = !before.chars().next_back().is_some_and(is_part) && !after.chars().next().is_some_and(is_part);
        is_whole && (after.starts_with("::") || before.ends_with("::"))
    })
}

#[track_caller]
fn assert_not_named(allowed: impl Fn(&str) -> bool, words: &[&str]) {
    let offenders: Vec<String> = sources()
        .into_iter()
        .filter(|(path, _)| !allowed(path) && path != "layering.rs")
        .flat_map(|(path, code)| {
            let found: Vec<_> = words.iter().filter(|word| names(&code, word)).collect();
            found.into_iter().map(|word| format!("{path} names {word}")).collect::<Vec<_>>()
        })
        .collect();
    assert!(offenders.is_empty(), "{offenders:#?}");
}

const FRAMEWORKS: [&str; 9] =
    ["leptos", "leptos_router", "axum", "bollard", "hyper", "tokio", "web_sys", "wasm_bindgen", "gloo_net"];

#[test]
fn model_and_wire_use_no_framework_no_engine_and_no_io() {
    let elsewhere = |path: &str| !path.starts_with("model/") && !path.starts_with("wire/");
    assert_not_named(elsewhere, &FRAMEWORKS);
    assert_not_named(elsewhere, &["server", "client", "views", "SystemTime", "Instant", "fs", "net"]);
}

#[test]
fn only_the_engine_client_uses_bollard_and_its_transport() {
    assert_not_named(|path| path.starts_with("server/engine/"), &["bollard", "tower_service"]);
}

#[test]
fn only_the_engine_client_and_notifications_open_connections() {
    // The first two accept connections, and connect the health check to itself.
    let others = ["server/http/connections.rs", "server/http/tls.rs", "server/web_client.rs"];
    let opens = |path: &str| {
        path.starts_with("server/engine/") || path.starts_with("server/alerts/notify/") || others.contains(&path)
    };
    assert_not_named(opens, &["hyper_util", "hyper_rustls", "rustls", "tokio_rustls", "lettre"]);
}

/// A read-only server has no `WritableEngine`, and only the hosts' table may create one.
#[test]
fn only_hosts_create_a_writable_engine_and_no_query_uses_one() {
    for (path, code) in sources().into_iter().filter(|(path, _)| path != "layering.rs") {
        assert!(!code.contains("WritableEngine::new(") || path == "server/hosts/mod.rs", "{path}");
        assert!(!code.contains("read::Reader::new(") || path == "server/engine/mod.rs", "{path}");
        assert!(!code.contains(".writable(") || !path.starts_with("queries/"), "{path}");
    }
}

#[test]
fn only_the_body_module_makes_a_body_from_a_stream() {
    for (path, code) in sources().into_iter().filter(|(path, _)| path.starts_with("server/")) {
        assert!(!code.contains("Body::from_stream(") || path == "server/body.rs", "{path}");
    }
}

#[test]
fn only_the_history_uses_sql() {
    assert_not_named(|path| path.starts_with("server/history/"), &["rusqlite"]);
}

#[test]
fn the_server_uses_views_only_to_render_pages() {
    const RENDERING: [&str; 2] = ["server/http/pages.rs", "server/http/sign_in.rs"];
    let elsewhere = |path: &str| !path.starts_with("server/") || RENDERING.contains(&path);
    assert_not_named(elsewhere, &["views"]);
    // hyper, lettre and rustls contain modules named `client`.
    let has_its_own = |path: &str| {
        path.starts_with("server/engine/")
            || path.starts_with("server/alerts/notify/")
            || ["server/http/tls.rs", "server/web_client.rs"].contains(&path)
    };
    assert_not_named(|path| elsewhere(path) || has_its_own(path), &["client"]);
}

#[test]
fn views_and_client_reach_the_server_through_actions_only() {
    assert_not_named(|path| !path.starts_with("views/") && !path.starts_with("client/"), &["server", "axum", "tokio"]);
}

/// The server renders a page on several threads, and fails if it meets a value bound to another thread: `ClientOnly`
/// stores such values.
#[test]
fn thread_bound_values_are_created_in_browsers_only() {
    let of_opened_widgets = ["views/widgets/menu.rs", "views/containers/recipe_form.rs"];
    assert_not_named(|file| of_opened_widgets.contains(&file), &["new_local"]);
}

/// The simulator is the other side of the wire: it could not test code that it shares with the server.
#[test]
fn the_simulator_is_independent_and_only_main_uses_it() {
    assert_not_named(|path| path == "main.rs" || path.starts_with("sim/"), &["sim"]);
    assert_not_named(|path| !path.starts_with("sim/"), &["server", "views", "client", "model", "wire", "actions"]);
}

/// Splits `a::{b, c::{d}}` into `a::b` and `a::c::d`.
fn paths(text: &str, found: &mut Vec<String>) {
    let Some((before, rest)) = text.split_once('{') else { return found.push(text.to_owned()) };
    let (mut depth, mut start) = (0, 0);
    let group = rest.rsplit_once('}').map_or(rest, |(group, _)| group);
    for (at, letter) in group.char_indices().chain([(group.len(), ',')]) {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                paths(&format!("{before}{}", &group[start..at]), found);
                start = at + 1;
            }
            _ => {}
        }
    }
}

/// The paths in a file that start with `crate` or `super`, from the crate's root: `server/http/files`.
fn imports(path: &str, code: &str) -> Vec<String> {
    let mut own: Vec<&str> = path.trim_end_matches(".rs").split('/').collect();
    if own.last() == Some(&"mod") {
        own.pop();
    }
    let code: String = code.split_whitespace().collect();
    let mut found = Vec::new();
    for start in ["crate::", "super::"] {
        for (at, _) in code.match_indices(start) {
            let mut depth = 0;
            let rest = &code[at..];
            let end = rest.find(|letter: char| {
                depth += i32::from(letter == '{') - i32::from(letter == '}');
                depth < 0 || (depth == 0 && !letter.is_alphanumeric() && !"_:{}".contains(letter))
            });
            paths(&rest[..end.unwrap_or(rest.len())], &mut found);
        }
    }
    let absolute = |path: String| {
        let ups = path.split("::").take_while(|it| *it == "super").count();
        let base = if ups == 0 { Vec::new() } else { own[..own.len().saturating_sub(ups)].to_vec() };
        let rest = path.split("::").skip(ups.max(1));
        base.into_iter().chain(rest).collect::<Vec<_>>().join("/")
    };
    found.into_iter().map(absolute).collect()
}

/// Folders below the same one, such as `server/http` and `server/live`, must not import each other, directly or through others.
/// Nor must the modules of `views`.
#[test]
fn folders_do_not_import_each_other_in_a_cycle() {
    let sources = sources();
    let folder = |path: &str| path.trim_end_matches(".rs").splitn(3, '/').take(2).collect::<Vec<_>>().join("/");
    let counts = |path: &str| path.split('/').count() > 2 || (path.starts_with("views/") && path != "views/mod.rs");
    let folders: BTreeSet<String> =
        sources.iter().filter(|(path, _)| counts(path)).map(|(path, _)| folder(path)).collect();
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, code) in sources.iter().filter(|(path, _)| counts(path) && !path.ends_with("/tests.rs")) {
        let from = folder(path);
        let targets = imports(path, code).into_iter().map(|it| folder(&it));
        let targets =
            targets.filter(|it| *it != from && folders.contains(it) && it.split('/').next() == from.split('/').next());
        edges.entry(from.clone()).or_default().extend(targets);
    }
    assert!(edges["server/http"].contains("server/live"), "imports are found");
    let reaches = |from: &String| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from.clone()]);
        while let Some(next) = open.pop() {
            open.extend(edges.get(&next).into_iter().flatten().filter(|it| seen.insert((*it).clone())).cloned());
        }
        seen
    };
    let cyclic: Vec<_> = edges.keys().filter(|it| reaches(it).contains(*it)).collect();
    assert!(cyclic.is_empty(), "{cyclic:?} import each other: {edges:#?}");
}

#[test]
fn cfg_feature_is_used_on_modules_only() {
    for (path, code) in sources().into_iter().filter(|(path, _)| path != "layering.rs") {
        let lines: Vec<&str> = code.lines().collect();
        for (number, line) in lines.iter().enumerate().filter(|(_, line)| line.contains("cfg(feature")) {
            let next = lines.get(number + 1).copied().unwrap_or_default().trim_start();
            let on_module = ["mod ", "pub mod ", "pub use "].iter().any(|start| next.starts_with(start));
            assert!(on_module, "{path}: {line} stands on {next:?}");
        }
    }
}

#[test]
fn there_are_no_mutable_globals() {
    let globals = ["static mut", "thread_local!", "lazy_static", "LazyLock<Mutex", "OnceLock<Mutex", "static_init"];
    for (path, code) in sources().into_iter().filter(|(path, _)| path != "layering.rs") {
        for line in code
            .lines()
            .filter(|line| line.trim_start().starts_with("static ") || globals.iter().any(|it| line.contains(it)))
        {
            assert!(
                !line.contains("Mutex") && !line.contains("RefCell") && !line.contains("static mut"),
                "{path}: {line}"
            );
        }
    }
}

#[test]
fn every_action_checks_its_permission_first() {
    const PERFORMERS: [&str; 8] = [
        "perform",
        "perform_as_drawn",
        "change_account",
        "change_alerts",
        "change_user",
        "keep_preferences",
        "sign_in",
        "sign_out",
    ];
    for (path, code) in sources().into_iter().filter(|(path, _)| path.starts_with("actions/")) {
        let functions = code.matches("#[server").count();
        let performed = PERFORMERS.map(|name| code.matches(&format!("{name}(&app, &caller")).count());
        assert_eq!(functions, performed.into_iter().sum::<usize>(), "{path}");
    }
    let operations = sources().into_iter().find(|(path, _)| path == "server/operations.rs").unwrap().1;
    let signatures = operations.split("pub async fn ").skip(1).map(|it| it.split('{').next().unwrap());
    let of_callers = signatures.filter(|it| it.contains("caller: &Caller")).count();
    assert_eq!(of_callers, PERFORMERS.len(), "each is checked below");
    for name in PERFORMERS {
        let body = operations.split(&format!("pub async fn {name}(")).nth(1).unwrap();
        let first_line = body.lines().skip_while(|line| !line.ends_with('{')).nth(1).unwrap_or_default().trim_start();
        assert!(first_line.starts_with("require("), "{name}: {first_line}");
    }
}
