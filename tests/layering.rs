//! The laws of the design's section on layers, held over the source as text.

use std::{
    fs,
    path::{Path, PathBuf},
};

const LONGEST_FILE: usize = 450;
/// A `SAFETY` comment stands at most so many lines above what it argues for.
const SAFETY_REACH: usize = 8;

/// A file under `src/`.
struct Source {
    /// Relative to `src/`.
    path: String,
    lines: Vec<String>,
}

/// A line of code, without its comments and string literals.
struct Line<'a> {
    source: &'a Source,
    number: usize,
    code: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    assert!(files.len() > 30, "the source tree is not where it was: {}", root.display());
    let read = |file: PathBuf| Source {
        path: file.strip_prefix(&root).expect("it lies there").to_str().expect("ASCII").to_owned(),
        lines: fs::read_to_string(&file).expect("readable").lines().map(str::to_owned).collect(),
    };
    files.into_iter().map(read).collect()
}

fn collect(directory: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("a directory of the source") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

impl Source {
    /// The code without comments and the text of string literals.
    fn code(&self) -> impl Iterator<Item = Line<'_>> {
        self.lines.iter().enumerate().map(|(index, line)| Line {
            source: self,
            number: index + 1,
            code: strip(line),
        })
    }

    /// The same up to the unit tests, which may look anywhere.
    fn shipped(&self) -> impl Iterator<Item = Line<'_>> {
        let tests = self.path.ends_with("tests.rs") || self.path.contains("/tests/");
        self.code().take_while(move |line| !tests && !line.code.trim_start().starts_with("mod tests {"))
    }

    fn is_in(&self, places: &[&str]) -> bool {
        places
            .iter()
            .any(|place| self.path == *place || (place.ends_with('/') && self.path.starts_with(place)))
    }
}

fn strip(line: &str) -> String {
    let mut code = String::new();
    let mut in_string = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if in_string => drop(chars.next()),
            '"' => in_string = !in_string,
            // A quote as a character.
            '\'' if !in_string && chars.peek() == Some(&'"') => drop(chars.next()),
            '/' if !in_string && chars.peek() == Some(&'/') => break,
            _ if in_string => {}
            c => code.push(c),
        }
    }
    code
}

/// Whether `word` stands in `code`, not as the end of a longer name.
fn mentions(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

/// Every line outside of `allowed` that mentions one of `words`.
fn breaches(words: &[&str], allowed: &[&str]) -> Vec<String> {
    let sources = sources();
    let outside = sources.iter().filter(|source| !source.is_in(allowed));
    outside
        .flat_map(Source::code)
        .filter(|line| words.iter().any(|word| mentions(&line.code, word)))
        .map(|line| line.to_string())
        .collect()
}

impl std::fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "src/{}:{}: {}", self.source.path, self.number, self.code.trim())
    }
}

#[track_caller]
fn hold(law: &str, breaches: Vec<String>) {
    assert!(breaches.is_empty(), "{law}\n{}", breaches.join("\n"));
}

#[test]
fn only_fiber_uses_corosensei() {
    hold("corosensei:: only in fiber/", breaches(&["corosensei::", "use corosensei"], &["fiber/"]));
}

#[test]
fn only_sys_uses_libc() {
    hold("libc:: only in sys/", breaches(&["libc::", "use libc"], &["sys/"]));
}

#[test]
fn only_the_reactor_has_a_poll_of_mios() {
    let law = "mio only in sched/reactor.rs";
    hold(law, breaches(&["mio::", "use mio"], &["sched/reactor.rs", "sched/reactor/"]));
}

#[test]
fn only_the_queue_uses_crossbeam_deque() {
    hold(
        "crossbeam_deque only in sched/queue.rs",
        breaches(&["crossbeam_deque"], &["sched/queue.rs", "sched/queue/"]),
    );
}

#[test]
fn atomics_live_in_lockfree_alone() {
    let types = ["Bool", "Ptr", "U8", "U16", "U32", "U64", "Usize", "I8", "I16", "I32", "I64", "Isize"];
    let types: Vec<_> = types.iter().map(|name| format!("Atomic{name}")).collect();
    let mut words: Vec<_> = types.iter().map(String::as_str).collect();
    words.extend(["sync::atomic", "crate::atomic"]);
    // A futex is a system call on a word that somebody else owns.
    hold(
        "atomic types only in lockfree/ and atomic.rs",
        breaches(&words, &["lockfree/", "atomic.rs", "sys/futex.rs"]),
    );
    let futex = sources().into_iter().find(|source| source.path == "sys/futex.rs").expect("sys/futex.rs");
    let made = |line: &Line<'_>| line.code.contains("AtomicU32::new");
    let made = futex.shipped().filter(made).map(|line| line.to_string()).collect();
    hold("sys/futex.rs takes atomics by reference and makes none", made);
}

#[test]
fn lockfree_makes_no_system_call_and_does_not_know_what_is_above() {
    let sources = sources();
    let shipped = |source: &&Source| {
        source.is_in(&["lockfree/"]) && !source.is_in(&["lockfree/models/", "lockfree/models.rs"])
    };
    let lines = sources.iter().filter(shipped).flat_map(Source::shipped);
    let words =
        ["crate::sched", "crate::sys", "crate::stack", "crate::fiber", "std::thread", "std::io", "std::sync"];
    let bad = lines.filter(|line| words.iter().any(|word| mentions(&line.code, word)));
    hold("lockfree/ is pure: no switch, no system call", bad.map(|line| line.to_string()).collect());
}

/// The layer of a module at the root of the crate.
fn layer(module: &str) -> Option<u8> {
    Some(match module {
        "atomic" | "backlog" | "sys" | "rng" | "payload" => 0,
        "lockfree" => 1,
        "stack" | "fiber" => 2,
        "sched" => 3,
        "config" | "runtime" | "thread" | "sync" | "channel" | "event" | "time" | "io" | "net" | "os"
        | "fs" | "process" | "signal" => 4,
        "coroutine" | "greenlet" | "future" | "group" | "queue" | "inspect" => 5,
        "guide" => 6,
        _ => return None,
    })
}

/// The modules at the root that a line names by `crate::…`, one in a list of them included.
fn named_modules(code: &str) -> Vec<&str> {
    code.match_indices("crate::")
        .filter(|(at, _)| !code[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$'))
        .map(|(at, found)| {
            let rest = &code[at + found.len()..];
            &rest[..rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len())]
        })
        .filter(|name| !name.is_empty())
        .collect()
}

/// The modules that `use crate::{…}` names over several lines: those at the first depth of its braces.
fn used_in_braces<'a>(lines: &[Line<'a>]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut depth = None::<i32>;
    for (index, line) in lines.iter().enumerate() {
        let mut rest = line.code.as_str();
        if depth.is_none() {
            let Some(at) = rest.find("use crate::{") else { continue };
            rest = &rest[at + "use crate::".len()..];
            depth = Some(0);
        }
        let mut word = String::new();
        // What stands behind `::` is a part of what was named before it.
        let mut inner = false;
        for c in rest.chars() {
            if c.is_alphanumeric() || c == '_' {
                word.push(c);
                continue;
            }
            if depth == Some(1) && !word.is_empty() && !inner {
                found.push((index, std::mem::take(&mut word)));
            }
            word.clear();
            match c {
                ':' => inner = true,
                ',' => inner = false,
                '{' => {
                    depth = depth.map(|depth| depth + 1);
                    inner = false;
                }
                '}' => depth = depth.map(|depth| depth - 1),
                _ => {}
            }
            if depth == Some(0) {
                break;
            }
        }
        if depth == Some(1) && !word.is_empty() && !inner {
            found.push((index, word));
        }
        if depth == Some(0) {
            depth = None;
        }
    }
    found
}

#[test]
fn imports_go_strictly_downward() {
    let sources = sources();
    let mut breaches = Vec::new();
    for source in &sources {
        let module = source.path.split(['/', '.']).next().expect("a path has a start");
        if module == "lib" {
            continue;
        }
        let Some(here) = layer(module) else {
            breaches.push(format!(
                "src/{}: no layer is known for `{module}`: name it in tests/layering.rs",
                source.path
            ));
            continue;
        };
        let lines: Vec<_> = source.shipped().collect();
        let direct = lines.iter().enumerate().flat_map(|(index, line)| {
            named_modules(&line.code).into_iter().map(move |name| (index, name.to_owned()))
        });
        for (index, name) in direct.chain(used_in_braces(&lines)) {
            // Within a module anything goes, and layer 4 is one floor with one room a module.
            if name == module {
                continue;
            }
            match layer(&name) {
                Some(there) if there < here || (there == here && here >= 4) => {}
                // The one step within a layer: a fiber is a stack and a context.
                Some(_) if (module, name.as_str()) == ("fiber", "stack") => {}
                Some(there) => {
                    breaches.push(format!("{} (layer {here} uses {name}, layer {there})", lines[index]))
                }
                // A re-export of the root: what is public stands above all.
                None if here >= 4 => {}
                None => breaches.push(format!("{} (layer {here} uses the root's `{name}`)", lines[index])),
            }
        }
    }
    hold("an import goes strictly downward: L0 < L1 < L2 < L3 < L4 < L5", breaches);
}

#[test]
fn the_root_documents_and_re_exports_and_does_nothing_else() {
    let sources = sources();
    let lib = sources.iter().find(|source| source.path == "lib.rs").expect("src/lib.rs");
    let items = ["fn ", "struct ", "enum ", "trait ", "impl ", "static ", "const "];
    let item = |line: &Line<'_>| items.iter().any(|item| mentions(&line.code, item));
    hold("lib.rs has no items of its own", lib.code().filter(item).map(|line| line.to_string()).collect());
}

#[test]
fn unsafe_code_is_denied_at_the_root() {
    let sources = sources();
    let lib = sources.iter().find(|source| source.path == "lib.rs").expect("src/lib.rs");
    assert!(
        lib.lines.iter().any(|line| line == "#![deny(unsafe_code)]"),
        "no #![deny(unsafe_code)] in src/lib.rs"
    );
    let whole = lib.lines.iter().any(|line| line.starts_with("#![allow(unsafe_code"));
    assert!(!whole, "#![allow(unsafe_code)] takes it back in src/lib.rs");
}

#[test]
fn every_unsafe_is_argued() {
    let mut breaches = Vec::new();
    for source in &sources() {
        for line in source.code() {
            let is_unsafe = ["unsafe {", "unsafe impl"].iter().any(|word| mentions(&line.code, word));
            if !is_unsafe {
                continue;
            }
            // The comment may be longer than its reach: what counts is its end.
            let from = line.number.saturating_sub(SAFETY_REACH + 1);
            let mut above = source.lines[..line.number].iter().skip(from);
            let argued =
                above.any(|line| line.contains("SAFETY")) || long_argument_ends_above(source, line.number);
            if !argued {
                breaches.push(line.to_string());
            }
        }
    }
    hold("every unsafe has a `// SAFETY:` that argues it", breaches);
}

/// Whether the comment block right above line `number` is a SAFETY argument of whatever length.
fn long_argument_ends_above(source: &Source, number: usize) -> bool {
    let above = source.lines[..number - 1].iter().rev();
    let code = above.clone().take_while(|line| !line.trim_start().starts_with("//")).count();
    code <= SAFETY_REACH
        && above
            .skip(code)
            .take_while(|line| line.trim_start().starts_with("//"))
            .any(|line| line.contains("SAFETY"))
}

#[test]
fn no_file_is_too_long_to_read() {
    let sources = sources();
    let long = sources.iter().filter(|source| source.lines.len() > LONGEST_FILE);
    let long = long.map(|source| format!("src/{}: {} lines", source.path, source.lines.len())).collect();
    hold(&format!("at most {LONGEST_FILE} lines a file"), long);
}

#[test]
fn the_protocols_have_their_proof_sketches_beside_them() {
    let lockfree = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lockfree");
    assert!(lockfree.join("README.md").exists(), "src/lockfree/README.md: states, protocols, proof sketches");
}

#[test]
fn the_reader_of_this_test_reads_code_and_not_comments() {
    assert_eq!(strip(r#"let x = "libc::a // b"; // libc::b"#), "let x = ; ");
    assert_eq!(strip("/// libc::c"), "");
    assert!(mentions("use libc::c_int", "libc::") && !mentions("use mylibc::c_int", "libc::"));
    assert_eq!(named_modules("use crate::sched::park; $crate::net"), ["sched"]);
    let source = Source {
        path: "x.rs".into(),
        lines: [
            "use crate::{",
            "    lockfree::{a::b, c},",
            "    sys, rng::Rng,",
            "};",
            "use crate::{stack::X};",
        ]
        .map(str::to_owned)
        .to_vec(),
    };
    let lines: Vec<_> = source.code().collect();
    let names: Vec<_> = used_in_braces(&lines).into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["lockfree", "sys", "rng", "stack"]);
}
