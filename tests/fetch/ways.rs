//! Ways in and out: files, pictures, the command line.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::command::{fetch, fetch_list, fetch_with, fetch_with_files};
use crate::servers::{Reply, serve};
use crate::support::TempDir;

#[test]
fn urls_come_from_a_file_and_from_stdin() {
    let server = serve(Reply::ok);
    let list =
        format!("\u{feff}# mine\n\n  {}  \r\n#{}\n{}", server.url("/a"), server.url("/no"), server.url("/b"));
    let dir = TempDir::new("list");
    let file = dir.file("urls", list.as_bytes());
    let wanted = [server.url("/first"), server.url("/a"), server.url("/b")];

    let by_file = fetch(&["--json", "-f", file.to_str().unwrap(), &wanted[0]]);
    let by_stdin = fetch_with(&["--json", "-f", "-", &wanted[0]], &list);
    for run in [by_file, by_stdin] {
        let (fetches, _) = run.json();
        let urls: Vec<_> = fetches.iter().map(|fetch| fetch["url"].as_str().unwrap()).collect();
        assert_eq!((run.code(), urls), (0, wanted.each_ref().map(String::as_str).to_vec()));
    }
}

#[test]
fn a_line_that_is_no_unicode_is_named_by_its_number() {
    let dir = TempDir::new("list-no-unicode");
    let file = dir.file("urls", b"http://a/\n# fine\nhttp://b/\xff\n");
    let run = fetch(&["-f", file.to_str().unwrap()]);
    assert_eq!(run.code(), 2);
    assert!(run.stderr().contains("/urls: line 3: "), "{}", run.stderr());
}

#[test]
fn bodies_are_saved_apart_and_inside_the_directory() {
    let server = serve(|path| match path {
        "/404" => {
            Reply { head: "404 Not Found\r\ncontent-length: 2".into(), body: b"no".to_vec(), hold: false }
        }
        "/large" => Reply::ok(&"large".repeat(300_000)),
        _ => Reply::ok(path),
    });
    let paths = ["/same", "/same", "/SAME", "/../../up", "/a?b=/c&d", "/%2e%2e%2f", "/large", "/404", "/"];
    let urls = paths.map(|path| server.url(path));
    let dir = TempDir::new("bodies");
    let out = dir.join("deep/er");
    let mut args = vec!["--json", "-o", out.to_str().unwrap()];
    args.extend(urls.iter().map(String::as_str));

    for _second_time_over_the_first in 0..2 {
        let run = fetch(&args);
        assert_eq!(run.code(), 1, "the 404");
        let (fetches, _) = run.json();
        let mut names = BTreeSet::new();
        for (fetch, path) in fetches.iter().zip(paths) {
            let Some(saved) = fetch["saved"].as_str() else {
                assert_eq!(path, "/404");
                continue;
            };
            assert_eq!(Path::new(saved).parent().unwrap(), out);
            let body = fs::read(saved).unwrap();
            assert_eq!(body.len() as u64, fetch["bytes"].as_u64().unwrap());
            assert!(
                path == "/large" || body == path.as_bytes() || path.starts_with("/.."),
                "{path}: {body:?}"
            );
            names.insert(saved.to_lowercase());
        }
        assert_eq!(names.len(), paths.len() - 1, "{names:?}");
        assert_eq!(fs::read_dir(&out).unwrap().count(), names.len(), "nothing else is left there");
    }
}

#[test]
fn the_timeline_is_an_svg_with_every_fetch() {
    let server = serve(Reply::ok);
    let dir = TempDir::new("timeline");
    let picture = dir.join("out.svg");
    for count in [1, 30, 300] {
        let mut urls = server.urls(count);
        urls.push("http://does-not-exist.invalid/?a=\"<&>\u{1}".into());
        let run = fetch_list(&["--timeline", picture.to_str().unwrap()], &urls);
        assert_eq!(run.code(), 1);
        let text = fs::read_to_string(&picture).unwrap();
        let svg = roxmltree::Document::parse(&text).unwrap();
        assert_eq!(svg.root_element().tag_name().name(), "svg");
        let hovers = svg.descendants().filter(|node| node.attribute("class") == Some("hit"));
        assert_eq!(hovers.count(), urls.len());
        let title =
            svg.descendants().find(|node| node.has_tag_name("title")).and_then(|node| node.text()).unwrap();
        assert!(title.starts_with(&format!("{} fetches, ", urls.len())), "{title}");
    }
}

#[test]
fn a_timeline_that_cannot_be_written_leaves_the_tables_alone() {
    let server = serve(Reply::ok);
    let run = fetch(&["--timeline", "/dev/full", &server.url("/")]);
    assert_eq!(run.code(), 2);
    assert!(run.stdout().contains("1 fetch, "), "{}", run.stdout());
    assert!(run.stderr().starts_with("fetch: cannot write /dev/full: "), "{}", run.stderr());
}

#[test]
fn a_directory_that_is_no_unicode_comes_out_as_json() {
    let server = serve(Reply::ok);
    let dir = TempDir::new("no-unicode");
    let out = dir.join("").join(OsStr::from_bytes(b"\xff"));
    let run = fetch(&["--json".as_ref(), "-o".as_ref(), out.as_os_str(), server.url("/").as_ref()]);
    assert_eq!(run.code(), 0, "{}", run.stderr());
    assert!(run.json().0[0]["saved"].as_str().unwrap().contains('\u{fffd}'));
}

#[test]
fn a_wrong_command_line_is_exit_code_2() {
    let dir = TempDir::new("usage");
    let empty = dir.file("empty", b"# nothing\n");
    let empty = empty.to_str().unwrap();
    let inside = dir.join("empty/inside");
    let inside = inside.to_str().unwrap();
    let cases: &[&[&str]] = &[
        &["--no-such-option"],
        &["-c", "0"],
        &["-c", "many"],
        &["--timeout", "0"],
        &["--timeout", "1.8e19"],
        &["--timeout", "soon"],
        &["-f", "/no/such/file"],
        &["-f", empty],
        &["--cacert", empty, "http://a/"],
        &["--cacert", "/no/such/file", "http://a/"],
        &["-o", inside, "http://a/"],
        &["--timeline", inside, "http://a/"],
    ];
    for case in cases {
        let run = fetch(case);
        assert_eq!(run.code(), 2, "{case:?}");
        assert_eq!(run.stdout(), "");
        assert!(!run.stderr().is_empty(), "{case:?} without a word");
    }
}

#[test]
fn too_few_files_for_the_runtime_are_exit_code_2_and_one_line() {
    for args in [&[][..], &["http://a/"]] {
        let run = fetch_with_files(4, args);
        assert_eq!(run.code(), 2, "{}", run.stderr());
        let line = run.stderr();
        assert_eq!(line.lines().count(), 1, "one line:\n{line}");
        assert!(
            line.starts_with("fetch: cannot start the runtime: ") && line.contains("ulimit -n"),
            "{line}"
        );
    }
}

#[test]
fn help_names_every_option() {
    let help = fetch(&["--help"]).stdout();
    let options =
        ["--file", "--concurrency", "--timeout", "--cacert", "--timeline", "--output", "--json", "Exit code"];
    for option in options {
        assert!(help.contains(option), "no {option} in:\n{help}");
    }
}
