//! The rules of the house, read from the files themselves. Each rule is a function from text to what
//! breaches it, and each has a twin that shows it a breach: a rule that finds nothing must be known
//! to look.

#[path = "tidy/c2sp.rs"]
mod c2sp;
#[path = "tidy/colours.rs"]
mod colours;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Lines of one file.
const MAX_LINES: usize = 600;
/// The floor on which rooms may import each other: it puts the program together.
const TOP_FLOOR: u32 = 5;
/// What git does not track.
const UNTRACKED: &[&str] = &["target", ".git", "data", "node_modules"];
/// Where the folders of [`UNTRACKED`] may be spoken of although they are not there.
const MADE_AT_RUN_TIME: &[&str] = &["data/", "target/"];

type Floors = BTreeMap<String, u32>;

// Floors.

#[test]
fn every_room_imports_only_from_lower_floors() {
    let floors = floors(&read("src/README.md"));
    none(in_files(&["src"], &["rs"], |path, text| {
        imports(path, text, &floors)
    }));
}

#[test]
fn every_room_has_a_floor_and_every_floor_its_rooms() {
    let told: BTreeSet<String> = floors(&read("src/README.md")).into_keys().collect();
    let rooms: BTreeSet<String> = fs::read_dir(root().join("src"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .map(|name| name.trim_end_matches(".rs").to_owned())
        .filter(|name| name != "lib" && name != "README.md")
        .chain(["auditlog".to_owned(), "labels".to_owned()])
        .collect();
    assert_eq!(told, rooms);
}

#[test]
fn an_import_of_a_sibling_or_from_above_is_found() {
    let floors = floors("| 5 | `app` `cli` | |\n| 3 | `seal` `trace` | |\n| 2 | `store` | |\n");
    let found = |path: &str, line: &str| imports(Path::new(path), line, &floors).len();
    assert_eq!(found("src/seal/mod.rs", "use crate::store::tile;"), 0);
    assert_eq!(found("src/cli/mod.rs", "use crate::app::Core;"), 0);
    assert_eq!(found("src/seal/mod.rs", "use crate::seal::Sealed;"), 0);
    assert_eq!(found("src/seal/mod.rs", "//! See [`crate::app`]."), 0);
    for (path, line) in [
        ("src/seal/mod.rs", "use crate::trace::story;"),
        ("src/store/tile.rs", "use crate::seal::Sealed;"),
        ("src/seal/mod.rs", "    crate::app::start();"),
        ("src/seal/mod.rs", "use super::trace::story;"),
        ("src/seal/deep.rs", "use super::super::trace::story;"),
        ("src/seal/mod.rs", "use crate::{trace, store};"),
        ("src/seal/mod.rs", "use crate::attic::thing;"),
    ] {
        assert_eq!(found(path, line), 1, "{path}: {line}");
    }
}

/// The rooms of a README's table, whose rows begin with a floor's number.
fn floors(readme: &str) -> Floors {
    let mut floors = Floors::new();
    for line in readme.lines() {
        let mut cells = line.split('|').map(str::trim).skip(1);
        let (Some(floor), Some(rooms)) = (cells.next(), cells.next()) else {
            continue;
        };
        let Ok(floor) = floor.parse() else { continue };
        floors.extend(backticked(rooms).map(|room| (room.to_owned(), floor)));
    }
    floors
}

/// Imports from the same floor, from above, or in a form that this test cannot read.
fn imports(path: &Path, text: &str, floors: &Floors) -> Vec<String> {
    let Some((room, depth)) = room_of(path) else {
        return Vec::new();
    };
    let mut faults = Vec::new();
    for line in code_lines(text) {
        for rest in line.split("crate::").skip(1) {
            let other: String = rest.chars().take_while(|c| is_name(*c)).collect();
            if !may_import(&room, &other, floors) {
                faults.push(format!("{room} must not import `{other}`: {}", line.trim()));
            }
        }
        // Code that is indented may be in a module of its own, one deeper.
        let depth = depth + usize::from(line.starts_with(' '));
        if line.matches("super::").count() >= depth && climbs(line, depth) {
            faults.push(format!("{room} is left through `super`: {}", line.trim()));
        }
    }
    faults
}

fn may_import(room: &str, other: &str, floors: &Floors) -> bool {
    let (Some(own), Some(its)) = (floors.get(room), floors.get(other)) else {
        return false;
    };
    room == other || its < own || (own == its && *own == TOP_FLOOR)
}

fn climbs(line: &str, steps: usize) -> bool {
    line.contains(&"super::".repeat(steps))
}

/// The room of a source file, and how many modules deep that file is.
fn room_of(path: &Path) -> Option<(String, usize)> {
    let inner = path.strip_prefix("src").ok()?.with_extension("");
    let mut parts: Vec<_> = inner.iter().map(|part| part.to_str().unwrap()).collect();
    if parts.last() == Some(&"mod") {
        parts.pop();
    }
    let room = (*parts.first()?).to_owned();
    (room != "lib").then_some((room, parts.len()))
}

// SQL.

#[test]
fn all_sql_stands_in_the_store() {
    none(in_files(&["src"], &["rs"], |path, text| {
        if path.starts_with("src/store") {
            return Vec::new();
        }
        sql(text)
    }));
}

#[test]
fn a_query_outside_the_store_is_found() {
    for breach in [
        "sqlx::query(text)",
        "query_scalar!(\"x\")",
        "let q = \"SELECT 1\";",
        "let q = r#\"DELETE FROM statement\"#;",
        "    UPDATE log_head SET seal = 1",
        "execute(\"SET ROLE rootmark_reader\")",
    ] {
        assert_eq!(sql(breach).len(), 1, "{breach}");
    }
    for clean in [
        "use sqlx::Connection;",
        "// SELECT is for the store",
        "let title = \"Update this page\";",
        "let mut conn: PgConnection;",
    ] {
        assert!(sql(clean).is_empty(), "{clean}");
    }
}

/// Lines that hold a query or a statement of SQL.
fn sql(text: &str) -> Vec<String> {
    const CALLS: &[&str] = &["sqlx::query", "query!(", "query_as!(", "query_scalar!("];
    const VERBS: &[&str] = &[
        "SELECT ",
        "INSERT INTO ",
        "UPDATE ",
        "DELETE FROM ",
        "CREATE ",
        "ALTER ",
        "DROP ",
        "TRUNCATE ",
        "GRANT ",
        "SET ROLE ",
        "SET TRANSACTION ",
        "COPY ",
    ];
    let is_query = |line: &&str| {
        let begins = |verb: &&str| {
            line.trim_start().starts_with(*verb) || line.contains(&format!("\"{verb}"))
        };
        CALLS.iter().any(|call| line.contains(call)) || VERBS.iter().any(begins)
    };
    let lines = code_lines(text).filter(is_query);
    lines
        .map(|line| format!("SQL outside store: {}", line.trim()))
        .collect()
}

// The log's mathematics.

#[test]
fn the_log_is_pure_mathematics() {
    none(in_files(&["crates/auditlog/src"], &["rs"], |_, text| {
        impure(text)
    }));
    let manifest = read("crates/auditlog/Cargo.toml");
    none(impure(manifest.split("[dev-dependencies]").next().unwrap()));
}

#[test]
fn a_clock_or_a_file_in_the_log_is_found() {
    for breach in [
        "use std::time::SystemTime;",
        "std::fs::read(path)",
        "tokio = \"1\"",
        "pub async fn read() {",
        "use std::{fs, io};",
    ] {
        assert_eq!(impure(breach).len(), 1, "{breach}");
    }
    assert!(impure("// std::fs is not for us\nuse std::fmt;").is_empty());
}

/// Lines that reach for the world outside.
fn impure(text: &str) -> Vec<String> {
    const WORLD: &[&str] = &[
        "tokio",
        "sqlx",
        "actix",
        "getrandom",
        "async ",
        "std::{",
        "std::fs",
        "std::io",
        "std::net",
        "std::time",
        "std::env",
        "std::thread",
        "std::process",
    ];
    let reaches = |line: &&str| WORLD.iter().any(|thing| line.contains(thing));
    let lines = code_lines(text).filter(reaches);
    lines
        .map(|line| format!("not pure: {}", line.trim()))
        .collect()
}

// What is left behind.

#[test]
fn nothing_unfinished_is_left_in_the_code() {
    none(in_files(
        &["src", "crates", "tests", "benches"],
        &["rs"],
        |path, text| {
            if path == Path::new("tests/tidy.rs") {
                return Vec::new();
            }
            unfinished(text)
        },
    ));
}

#[test]
fn an_unfinished_line_is_found() {
    for breach in [
        "todo!()",
        "unimplemented!(\"later\")",
        "dbg!(x);",
        "#[ignore]",
        "#[ignore = \"slow\"]",
    ] {
        assert_eq!(unfinished(breach).len(), 1, "{breach}");
    }
    assert!(unfinished("let ignored = 1;").is_empty());
}

fn unfinished(text: &str) -> Vec<String> {
    const MARKS: &[&str] = &["todo!(", "unimplemented!(", "dbg!(", "#[ignore"];
    let marked = |line: &&str| MARKS.iter().any(|mark| line.contains(mark));
    let lines = text.lines().filter(marked);
    lines
        .map(|line| format!("unfinished: {}", line.trim()))
        .collect()
}

#[test]
fn no_file_names_a_registry_or_a_folder_of_somebodys_machine() {
    let kinds = [
        "rs", "js", "css", "html", "toml", "md", "sql", "yml", "sh", "",
    ];
    none(in_files(&["."], &kinds, |path, text| {
        let exempt = [Path::new("tests/tidy.rs"), Path::new("Cargo.lock")];
        if exempt.contains(&path) {
            return Vec::new();
        }
        foreign(text)
    }));
}

#[test]
fn a_registry_or_a_home_folder_is_found() {
    for place in places() {
        let breach = format!("see {place}somewhere");
        assert_eq!(foreign(&breach).len(), 1, "{breach}");
    }
    assert!(foreign("tmpfs: [/tmp]\n// `/root` is closed\nsee docs.rs").is_empty());
}

fn foreign(text: &str) -> Vec<String> {
    let places = places();
    let named = |line: &&str| places.iter().any(|place| line.contains(place.as_str()));
    let lines = text.lines().filter(named);
    lines
        .map(|line| format!("belongs elsewhere: {}", line.trim()))
        .collect()
}

/// Put together from halves, so that this file does not name them either.
fn places() -> Vec<String> {
    let hosts = [
        "crates.!io",
        "npm!js.",
        "pypi.!org",
        "docker.!io",
        "ghcr.!io",
        "quay.!io",
    ];
    let folders = ["/ro!ot/", "/ho!me/", "/Us!ers/", "/t!mp/", "/wo!rk/"];
    let places = hosts.iter().chain(&folders);
    places.map(|halves| halves.replace('!', "")).collect()
}

// Length.

#[test]
fn no_file_is_longer_than_six_hundred_lines() {
    let kinds = ["rs", "js", "css", "html", "toml", "md", "sql"];
    none(in_files(&["."], &kinds, |_, text| too_long(text)));
}

#[test]
fn a_file_of_a_line_too_many_is_found() {
    assert!(too_long(&"x\n".repeat(MAX_LINES)).is_empty());
    assert_eq!(too_long(&"x\n".repeat(MAX_LINES + 1)).len(), 1);
}

fn too_long(text: &str) -> Vec<String> {
    let lines = text.lines().count();
    let fault = (lines > MAX_LINES).then(|| format!("{lines} lines, of {MAX_LINES} at most"));
    fault.into_iter().collect()
}

// Prose.

#[test]
fn every_path_that_the_prose_names_exists() {
    let exists = |folder: &Path, path: &str| {
        [Path::new(""), folder]
            .iter()
            .any(|from| root().join(from).join(path).exists())
    };
    let fault = |document: &Path, text: &str| {
        let folder = document.parent().unwrap();
        let lost = named_paths(text)
            .into_iter()
            .filter(|path| !exists(folder, path));
        lost.map(|path| format!("names `{path}`, which does not exist"))
            .collect()
    };
    none(prose(fault));
}

#[test]
fn every_function_that_the_prose_names_exists() {
    let mut source = String::new();
    in_files(
        &["src", "crates/auditlog/src", "crates/labels/src"],
        &["rs"],
        |_, text| {
            source.push_str(text);
            Vec::new()
        },
    );
    none(prose(|_, text| {
        let lost = named_functions(text)
            .into_iter()
            .filter(|name| !source.contains(&format!("fn {name}(")) && !generic(&source, name));
        lost.map(|name| format!("names `{name}()`, which does not exist"))
            .collect()
    }));
}

#[test]
fn paths_and_functions_are_told_from_other_words() {
    let text = "In `src/gone.rs` and `migrations/`, ![](docs/gone.png), <img src=\"docs/no.png\">; \
        but `cargo test`, `data/keys/log.key`, `application/json`, `/log/checkpoint`, \
        `tile/0/000`, [a site](https://example.org/a.html), [below](#below), `store/…/x.rs`.";
    assert_eq!(
        named_paths(text),
        ["src/gone.rs", "migrations/", "docs/gone.png", "docs/no.png"]
    );
    assert_eq!(
        named_functions("`seal()` of `Reach`, not `seal` or `a b()`"),
        ["seal"]
    );
}

/// Faults of all documents, as `rule` finds them.
fn prose(rule: impl FnMut(&Path, &str) -> Vec<String>) -> Vec<String> {
    in_files(
        &[
            "README.md",
            "src/README.md",
            "docs",
            "crates/auditlog",
            "crates/labels",
            "fuzz/README.md",
        ],
        &["md"],
        rule,
    )
}

/// What a document names in backticks, or links to, and means as a path of this repository.
fn named_paths(text: &str) -> Vec<String> {
    const SOURCES: &[&str] = &[
        "rs", "md", "toml", "sql", "html", "css", "js", "yml", "json", "svg", "png", "txt", "lock",
    ];
    let spelled = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    let is_path = |path: &&str| {
        let plain = !path.starts_with('/') && path.contains('/') && path.chars().all(spelled);
        let first = path.split('/').next().unwrap_or_default();
        let source = path
            .rsplit_once('.')
            .is_some_and(|(_, kind)| SOURCES.contains(&kind));
        let ours = source || path.ends_with('/') || root().join(first).is_dir();
        plain
            && ours
            && !MADE_AT_RUN_TIME
                .iter()
                .any(|folder| path.starts_with(folder))
    };
    let links = text
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next());
    let pictures = text
        .split("src=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next());
    let linked = links
        .chain(pictures)
        .map(|link| link.split('#').next().unwrap_or(link));
    backticked(text)
        .chain(linked)
        .filter(is_path)
        .map(str::to_owned)
        .collect()
}

/// The functions that a document names, as `name()`.
fn named_functions(text: &str) -> Vec<&str> {
    let names = backticked(text).filter_map(|word| word.strip_suffix("()"));
    names.filter(|name| name.chars().all(is_name)).collect()
}

fn generic(source: &str, name: &str) -> bool {
    source.contains(&format!("fn {name}<"))
}

// Translations.

#[test]
fn both_languages_have_the_same_keys() {
    for folder in ["", "/phone", "/words"].map(|of| format!("templates/text{of}")) {
        let language = |name: &str| read(&format!("{folder}/{name}.toml"));
        none(untranslated(&language("zh-CN"), &language("en")));
    }
}

#[test]
fn a_key_of_one_language_is_found() {
    let (zh, en) = (
        "[a]\nb = \"乙\"\nc.one = \"一\"",
        "[a]\nb = \"b\"\nc.other = \"c\"",
    );
    assert!(untranslated(zh, zh).is_empty());
    assert_eq!(
        untranslated(zh, en),
        ["a.c.one", "a.c.other"].map(one_language)
    );
}

fn untranslated(one: &str, other: &str) -> Vec<String> {
    let (one, other) = (keys(one), keys(other));
    one.symmetric_difference(&other).map(one_language).collect()
}

fn one_language(key: impl std::fmt::Display) -> String {
    format!("{key} is there in one language only")
}

fn keys(text: &str) -> BTreeSet<String> {
    fn walk(prefix: &str, table: &toml::Table, keys: &mut BTreeSet<String>) {
        for (name, value) in table {
            let key = format!("{prefix}{name}");
            match value.as_table() {
                Some(inner) => walk(&format!("{key}."), inner, keys),
                None => drop(keys.insert(key)),
            }
        }
    }
    let mut keys = BTreeSet::new();
    walk("", &text.parse().unwrap(), &mut keys);
    keys
}

// Reading.

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Applies a rule to every file of these kinds; a fault bears its file's path. A kind is what follows
/// the last dot, and empty for names such as `Makefile`.
fn in_files(
    places: &[&str],
    kinds: &[&str],
    mut rule: impl FnMut(&Path, &str) -> Vec<String>,
) -> Vec<String> {
    let mut paths = Vec::new();
    for place in places {
        collect(&root().join(place), &mut paths);
    }
    assert!(!paths.is_empty(), "{places:?} hold nothing");
    let mut faults = Vec::new();
    for path in paths {
        let kind = path
            .extension()
            .and_then(|kind| kind.to_str())
            .unwrap_or("");
        if !kinds.contains(&kind) {
            continue;
        }
        // A program or a picture without an extension is no text.
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        let inner = path.strip_prefix(root()).unwrap();
        let inner = inner.strip_prefix(".").unwrap_or(inner);
        let found = rule(inner, &text).into_iter();
        faults.extend(found.map(|fault| format!("{}: {fault}", inner.display())));
    }
    faults
}

fn collect(place: &Path, paths: &mut Vec<PathBuf>) {
    if !place.is_dir() {
        return paths.push(place.to_owned());
    }
    let mut entries: Vec<_> = fs::read_dir(place)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if !UNTRACKED
            .iter()
            .any(|name| path == root().join(name) || path.ends_with(name))
        {
            collect(&path, paths);
        }
    }
}

/// Lines without comments. A comment may name what code may not use.
fn code_lines(text: &str) -> impl Iterator<Item = &str> {
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    lines.map(|line| line.split(" // ").next().unwrap_or(line))
}

fn backticked(text: &str) -> impl Iterator<Item = &str> {
    // Outside, inside, outside: every second part.
    text.split('`').skip(1).step_by(2)
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn none(faults: Vec<String>) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}
