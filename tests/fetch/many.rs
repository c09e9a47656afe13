//! The main job: many at once.

use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Barrier;
use std::thread;

use crate::command::{fetch, fetch_list};
use crate::servers::{Reply, read_path, serve};
use crate::support::Nginx;

#[test]
fn without_a_url_it_fetches_a_thousand_pages_at_once() {
    let run = fetch(&["--json"]);
    let (fetches, summary) = run.json();
    assert_eq!(run.code(), 0, "{}", run.stderr());
    assert_eq!(fetches.len(), 1_000);
    for fetch in &fetches {
        assert_eq!((&fetch["ok"], &fetch["status"]), (&true.into(), &200.into()), "{fetch}");
        assert!((512..=4_096).contains(&fetch["bytes"].as_u64().unwrap()), "{fetch}");
        assert!(fetch["ms"].as_f64().unwrap() >= 10.0, "no page comes faster: {fetch}");
        let instants = ["started_ms", "connected_ms", "answered_ms", "ended_ms"];
        assert!(instants.map(|key| fetch[key].as_f64().unwrap()).is_sorted(), "{fetch}");
    }
    assert_eq!(summary["ok"], 1_000);
    assert_eq!(summary["failed"], 0);
    let (wall, waited) = (summary["wall_ms"].as_f64().unwrap(), summary["waited_ms"].as_f64().unwrap());
    assert!(waited >= 100_000.0, "the pages' own waits alone are that long: {summary}");
    assert!(wall < waited / 4.0, "one after the other, or nearly: {summary}");
    assert_eq!(run.stderr(), "", "no progress where there is no terminal");
}

#[test]
fn the_tables_name_the_slowest_and_the_sums() {
    let run = fetch::<&str>(&[]);
    assert_eq!(run.code(), 0);
    let text = run.stdout();
    for expected in
        ["the slowest 10 of 1,000:", "1,000 fetches, ", " of waiting in ", "peak in flight", "server's peak"]
    {
        assert!(text.contains(expected), "no {expected:?} in:\n{text}");
    }
    assert_eq!(text.lines().filter(|line| line.contains("/page/")).count(), 10);
    assert_eq!(cfg!(target_os = "linux"), text.contains("MiB at most"));
}

#[test]
fn all_are_in_flight_at_once() {
    // Nobody is answered before all have asked: this ends only if none waits for another.
    const ALL: usize = 200;
    let together = Barrier::new(ALL);
    let server = serve(move |_| {
        together.wait();
        Reply::ok("together")
    });
    let run = fetch_list(&["--json"], &server.urls(ALL));
    let (fetches, summary) = run.json();
    assert_eq!(run.code(), 0, "{}", run.stderr());
    assert_eq!((fetches.len(), &summary["peak_in_flight"]), (ALL, &ALL.into()));
}

#[test]
fn as_many_as_asked_for_are_in_flight_and_no_more() {
    // Ends only if three are in flight again and again.
    let three = Barrier::new(3);
    let server = serve(move |_| {
        three.wait();
        Reply::ok("three")
    });
    let run = fetch_list(&["--json", "-c", "3"], &server.urls(30));
    let (_, summary) = run.json();
    assert_eq!(run.code(), 0, "{}", run.stderr());
    assert_eq!(summary["peak_in_flight"], 3);
}

#[test]
fn a_server_that_drops_its_idle_connections_fails_no_fetch() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            // Keeps the connection after its answer, and closes it when it is asked again.
            thread::spawn(move || {
                read_path(&mut stream);
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nonce").unwrap();
                read_path(&mut stream);
            });
        }
    });
    let urls: Vec<_> = (0..5).map(|i| format!("http://{addr}/{i}")).collect();
    let run = fetch_list(&["--json", "-c", "1"], &urls);
    assert_eq!(run.code(), 0, "{}", run.stderr());
}

#[test]
fn two_thousand_files_from_nginx() {
    const FILES: usize = 2_000;
    let files = (0..FILES).map(|i| (format!("{i}.txt"), format!("{i} ").repeat(i)));
    let Some(nginx) = Nginx::start("two_thousand_files", files) else { return };
    let urls: Vec<_> = (0..FILES).map(|i| format!("http://{}/{i}.txt", nginx.addr())).collect();
    let sizes: Vec<_> = (0..FILES).map(|i| (i.to_string().len() + 1) * i).collect();
    for extra in [&["--json"][..], &["--json", "-c", "50"]] {
        let run = fetch_list(extra, &urls);
        let (fetches, summary) = run.json();
        assert_eq!(run.code(), 0, "{}", run.stderr());
        for (fetch, size) in fetches.iter().zip(&sizes) {
            assert_eq!(fetch["bytes"].as_u64().unwrap(), *size as u64, "{fetch}");
        }
        assert_eq!(summary["ok"], FILES);
    }
}
