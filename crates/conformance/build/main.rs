//! Takes the tests of others, and points them at sward.

mod examples;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use quote::ToTokens;

/// std's files, in `library/std/tests/sync`.
const STD: &[&str] =
    &["barrier", "condvar", "lazy_lock", "mpsc", "mpsc_sync", "mutex", "once", "once_lock", "rwlock"];

/// More of std's, of threads, sockets and moments: a name, and where it lies in `library/std`.
const STD_THREADS: &[(&str, &str)] = &[
    ("thread", "src/thread/tests"),
    ("thread_whole", "tests/thread"),
    ("thread_local", "tests/thread_local/tests"),
    ("time", "tests/time"),
    ("tcp", "src/net/tcp/tests"),
    ("udp", "src/net/udp/tests"),
    ("socket_addr", "src/net/socket_addr/tests"),
    ("linux", "src/os/net/linux_ext/tests"),
];

/// What those of sockets have in common.
const NET_HELPERS: &str = "src/net/test";

/// crossbeam-channel's files, in `tests`.
const CROSSBEAM: &[&str] = &[
    "after",
    "array",
    "iter",
    "list",
    "mpsc",
    "never",
    "ready",
    "same_channel",
    "select",
    "select_macro",
    "thread_locals",
    "tick",
    "zero",
];

/// What is not stable in std: what names one of these is left out of the files whose names begin so.
const UNSTABLE: &[(&str, &str)] = &[
    ("", "nonpoison"),
    ("mpsc", "SendTimeoutError"),
    ("", "Guard :: map"),
    ("", "LazyCell"),
    ("mutex", "MappedMutexGuard"),
    ("mutex", ". get_cloned ("),
    ("mutex", ". set ("),
    ("mutex", ". replace ("),
    ("rwlock", "MappedRwLock"),
    ("rwlock", ". get_cloned ("),
    ("rwlock", ". set ("),
    ("rwlock", ". replace ("),
    ("once_lock", "get_or_try_init"),
    ("once_lock", "get_mut_or_init"),
    ("thread", "current_os_id"),
    ("time", "SystemTime :: M"),
    ("time", "saturating_add"),
    ("tcp", "read_buf"),
    ("tcp", "set_linger"),
    ("linux", "deferaccept"),
    // A field of std's own type.
    ("udp", "udpsock_inner"),
];

/// What sward does otherwise.
const OTHERWISE: &[(&str, &str)] = &[
    // A green thread has no name of the system's.
    ("thread", "fn test_named_thread_truncation"),
    // Any character may be in a name.
    ("thread", "fn test_invalid_named_thread"),
];

/// What cannot be run on green threads, by its nature: it spins without a yield, and waits for one that has no worker.
const SPINNING: &[(&str, &str)] = &[
    ("once_lock", "fn sync_once_cell_does_not_leak_partially_constructed_boxes"),
    ("select", "fn loop_try"),
];

/// std's macro for a test of both the stable locks and those that are not.
const BOTH_KINDS: &str = "nonpoison_and_poison_unwrap_test";

/// Another of its files: Go's tests, which measure the memory of their process, and so have one of their own.
const GO: &[&str] = &["golang"];

fn main() {
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-env-changed=CONFORMANCE_OF");
    println!("cargo::rustc-check-cfg=cfg(originals)");
    if of_originals() {
        println!("cargo::rustc-cfg=originals");
    }
    let library = rust_src();
    take_examples(library.as_deref());
    let sources = library.map(|library| library.join("std"));
    let remedy = "run `rustup component add rust-src`";
    take("std", &named(STD), sources.as_ref().map(|std| std.join("tests/sync")), remedy);
    take("std_threads", STD_THREADS, sources.clone(), remedy);
    take_net_helpers(sources);
    let (sources, remedy) = (crossbeam(), "its package is not in cargo's registry");
    take("crossbeam", &named(CROSSBEAM), sources.clone(), remedy);
    take("golang", &named(GO), sources, remedy);
}

/// Files that lie where their names say.
fn named(names: &[&'static str]) -> Vec<(&'static str, &'static str)> {
    names.iter().map(|name| (*name, *name)).collect()
}

/// Where the toolchain keeps std's source, if it has it.
fn rust_src() -> Option<PathBuf> {
    let rustc = env::var_os("RUSTC")?;
    let sysroot = Command::new(rustc).args(["--print", "sysroot"]).output().ok()?.stdout;
    let library = PathBuf::from(String::from_utf8(sysroot).ok()?.trim()).join("lib/rustlib/src/rust/library");
    library.exists().then_some(library)
}

/// Where cargo keeps crossbeam-channel's package.
fn crossbeam() -> Option<PathBuf> {
    let cargo = env::var_os("CARGO")?;
    let metadata = Command::new(cargo).args(["metadata", "--format-version=1"]).output().ok()?.stdout;
    let metadata: serde_json::Value = serde_json::from_slice(&metadata).ok()?;
    let package = metadata["packages"].as_array()?.iter().find(|p| p["name"] == "crossbeam-channel")?;
    let tests = PathBuf::from(package["manifest_path"].as_str()?).with_file_name("tests");
    tests.exists().then_some(tests)
}

/// Writes `<family>_<threads>.rs` for both kinds of threads: a module for each file.
fn take(family: &str, files: &[(&str, &str)], from: Option<PathBuf>, remedy: &str) {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    if from.is_none() {
        println!("cargo::warning=the tests of {family} are not here and do not run: {remedy}");
    }
    for threads in ["os", "green"] {
        let mut all = String::new();
        for (name, path) in files.iter().filter(|_| from.is_some()) {
            // With the threads of std they would be std's tests of itself.
            if threads == "os" && family == "std_threads" && name.starts_with("thread") {
                continue;
            }
            let text = read(from.as_ref().expect("it is there").join(path));
            all += &format!("mod {name} {{\n{}\n}}\n", adapt(name, &text, threads == "green"));
        }
        fs::write(out.join(format!("{family}_{threads}.rs")), all).expect("OUT_DIR can be written");
    }
}

fn take_net_helpers(from: Option<PathBuf>) {
    let text = from.map_or_else(String::new, |std| read(std.join(NET_HELPERS)));
    let text = adapt("net_helpers", &text, false);
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join("net_helpers.rs"), text).expect("OUT_DIR can be written");
}

/// Writes `std_examples.rs`.
fn take_examples(library: Option<&Path>) {
    let adapt = |code: &str| {
        let mut code = code.to_owned();
        if !of_originals() {
            for (from, to) in [
                ("use std::{thread, time};", "use sward::{thread, time};"),
                ("use std::{io, thread};", "use std::io;\nuse sward::thread;"),
                ("std::thread", "sward::thread"),
                ("std::net", "sward::net"),
                ("std::time", "sward::time"),
                ("std::sync", "sward::sync"),
                ("std::os::linux::net", "sward::os::linux::net"),
                ("thread_local!", "sward::local!"),
            ] {
                code = code.replace(from, to);
            }
        }
        code
    };
    let text = library.map_or_else(String::new, |library| examples::of_std(library, adapt));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join("std_examples.rs"), text).expect("OUT_DIR can be written");
}

fn read(file: PathBuf) -> String {
    let file = file.with_extension("rs");
    fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn of_originals() -> bool {
    env::var("CONFORMANCE_OF").as_deref() == Ok("originals")
}

/// With sward's paths; with their own if `CONFORMANCE_OF=originals`, to see what the originals pass on this machine.
fn adapt(name: &str, text: &str, green: bool) -> String {
    let mut text = text.replace("std::sync::poison::", "std::sync::");
    let of_threads = name == "net_helpers" || STD_THREADS.iter().any(|(its_name, _)| *its_name == name);
    if of_threads {
        text = from_outside(&text);
    }
    for (from, to) in [
        ("use std::sync::mpmc::SendTimeoutError;\n", ""),
        ("MappedMutexGuard, ", ""),
        ("MappedRwLockReadGuard, MappedRwLockWriteGuard, ", ""),
        ("use super::nonpoison", "use crate::nonpoison"),
        ("use rand::{thread_rng", "use rand_0_8::{thread_rng"),
    ] {
        text = text.replace(from, to);
    }
    if !of_originals() {
        // A macro of crossbeam's own, under `select!`.
        text = text.replace("cc::crossbeam_channel_internal!", "sward::channel::select!");
        for (from, to) in [
            ("std::sync", "sward::sync"),
            ("std::time", "sward::time"),
            ("std::net", "sward::net"),
            ("std::os::linux", "sward::os::linux"),
            ("crossbeam_channel", "sward::channel"),
        ] {
            text = text.replace(from, to);
        }
        if green && of_threads {
            text = text.replace("std::thread", "sward::thread").replace("thread_local!", "sward::local!");
        } else if green {
            text = with_green_threads(&text);
        }
    }
    let file = syn::parse_file(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let is_stable = |item: &syn::Item| {
        let tokens = item.to_token_stream().to_string().replace(BOTH_KINDS, "");
        let names = |list: &[(&str, &str)]| {
            list.iter().any(|(file, word)| name.starts_with(file) && tokens.contains(word))
        };
        !(names(UNSTABLE) || green && names(SPINNING) || !of_originals() && names(OTHERWISE))
    };
    let items = file.items.into_iter().filter(is_stable).collect();
    prettyplease::unparse(&syn::File { shebang: None, attrs: Vec::new(), items })
}

/// What a file within std names as its crate's own, named from outside; and what is not stable, by what is.
fn from_outside(text: &str) -> String {
    let mut text = text.to_owned();
    for (from, to) in [
        ("#![allow(warnings)] // not used on emscripten\n", ""),
        ("#[cfg(target_thread_local)]\n", ""),
        ("use std::thread_local;\n", ""),
        ("BorrowedBuf, ", ""),
        ("|| e.kind() == ErrorKind::Uncategorized", ""),
        ("Duration::SECOND", "Duration::from_secs(1)"),
        ("super::sleep(", "thread::sleep("),
        ("crate::os::net::linux_ext::tcp::", "std::os::linux::net::"),
        ("use crate::{fmt, thread};", "use std::fmt;\nuse std::thread;"),
    ] {
        text = text.replace(from, to);
    }
    let within =
        ["any", "env", "ffi", "io", "iter", "mem", "os", "panic", "result", "sync", "thread", "time"];
    text = text.replace("crate::net::test::", "crate::net_helpers::").replace("crate::net::", "std::net::");
    within.iter().fold(text, |text, name| text.replace(&format!("crate::{name}"), &format!("std::{name}")))
}

fn with_green_threads(text: &str) -> String {
    let mut text = text.replace("use std::thread", "use sward::thread");
    for others in ["env", "panic", "hint, mem", "panic, mem"] {
        let apart = format!("use std::{{{others}}};\nuse sward::thread;");
        text = text.replace(&format!("use std::{{{others}, thread}};"), &apart);
    }
    text.replace("crossbeam_utils::thread::scope", "crate::scope")
}
