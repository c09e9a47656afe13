//! The examples that port the tutorials of asyncio, gevent and Go: each runs, on the virtual clock, and says what it should.

mod support;

use std::{
    io::Read,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::Instant,
};

use support::limit;

/// Runs an example, and compares what it prints on stdout; on stderr it prints nothing.
#[track_caller]
fn prints(name: &str, expected: &str) {
    assert_eq!(prints_and_says(name, expected), "", "{name}");
}

/// Runs an example, compares what it prints on stdout, and returns what it says on stderr.
#[track_caller]
fn prints_and_says(name: &str, expected: &str) -> String {
    let start = Instant::now();
    let mut child = Command::new(example(name))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let (sender, texts) = mpsc::channel();
    thread::spawn(move || {
        let mut texts = [String::new(), String::new()];
        stdout.read_to_string(&mut texts[0]).unwrap();
        stderr.read_to_string(&mut texts[1]).unwrap();
        sender.send(texts).unwrap();
    });
    let Ok([out, err]) = texts.recv_timeout(limit()) else {
        child.kill().unwrap();
        panic!("{name} hangs");
    };
    let status = child.wait().unwrap();
    assert!(status.success(), "{name}: {status}, and says {err:?}");
    assert_eq!(out, expected.strip_prefix('\n').unwrap(), "{name}");
    println!("{name}: {:?}", start.elapsed());
    err
}

/// Cargo builds the examples beside the tests: `target/debug/{deps/this, examples/…}`.
fn example(name: &str) -> PathBuf {
    let this = std::env::current_exe().unwrap();
    let path = this.parent().and_then(Path::parent).unwrap().join("examples").join(name);
    assert!(path.exists(), "{} is missing: cargo build --examples", path.display());
    path
}

#[test]
fn nested_tasks() {
    prints(
        "nested_tasks",
        r#"
called: 42
spawned: 42
the outer one goes on while the inner one sleeps
the inner one, joined by main: 42
1 s in all
"#,
    );
}

#[test]
fn callbacks() {
    prints(
        "callbacks",
        r#"
returns: Done
  and a second callback of the same task
joined: "a value"
fails: Panicked
failed with: "a payload"
endless: Cancelled
too late, and called at once: endless: Cancelled
"#,
    );
}

#[test]
fn one_two_four() {
    prints(
        "one_two_four",
        r#"
  slept 4 s, at 4 s
  slept 2 s, at 6 s
  slept 1 s, at 7 s
one after the other: 7 s
  slept 1 s, at 1 s
  slept 2 s, at 2 s
  slept 4 s, at 4 s
together: 4 s, results in order: [4, 2, 1]
  slept 1 s, at 1 s
  slept 2 s, at 2 s
  slept 4 s, at 4 s
in a scope: 4 s for 3 naps
"#,
    );
}

#[test]
fn states() {
    prints(
        "states",
        r#"
before they run:
  winner   Pending    finished: false
  loser    Pending    finished: false
  sleeper  Pending    finished: false
  busy     Pending    finished: false
after a turn:
  winner   Done       finished: true
  loser    Panicked   finished: true
  sleeper  Parked     finished: false
  busy     Parked     finished: false
one is woken, one cancelled:
  winner   Done       finished: true
  loser    Panicked   finished: true
  sleeper  Running    finished: false
  busy     Running    finished: false
at the end:
  winner   Done       finished: true
  loser    Panicked   finished: true
  sleeper  Cancelled  finished: true
  busy     Done       finished: true
winner: You win!
loser: "You fail at failing."
sleeper: cancelled
busy: woken
"#,
    );
}

#[test]
fn shielded() {
    prints(
        "shielded",
        r#"
saving
saved
cancelled: true, after 3 s
cancelled, and cleaning up
saving
saved
and lives on
saving
saved
the timeout: the time was up, after 3 s
"#,
    );
}

#[test]
fn executor() {
    prints(
        "executor",
        r#"
3 words, counted elsewhere
on the same OS thread: false
met: [1, 2, 3]
ticked meanwhile, and it got 6
failed: no such file
"#,
    );
}

#[test]
fn slow_job() {
    prints(
        "slow_job",
        r#"
timeout!
in time
3 tries, and then: the time was up
a child has 2 s
the scope and its children: the time was up
still Parked
done after all
"#,
    );
}

#[test]
fn producer_consumer() {
    prints(
        "producer_consumer",
        r#"
put 1
put 2
ann got 1
bob got 2
put 3
put 4
ann got 3
put 5
bob got 4
put 6
ann got 5
bob got 6
all is done
ann is quitting
bob is quitting
sum: 21
"#,
    );
}

#[test]
fn first_of_several() {
    prints(
        "first_of_several",
        r#"
the first answer: page 1, after 1 s
1 done, 2 pending
after 1.5 s more: 1 done, 1 pending
cancelled: true
as completed: page 1
as completed: page 2
as completed: page 3
all: ["page 2", "page 1"]
page 1 is bad, after 3 s in all
"#,
    );
}

#[test]
fn taking_turns() {
    prints(
        "taking_turns",
        r#"
Running in ping
Explicit context to pong
Explicit context switch to ping again
Implicit context switch back to pong
one second later
two seconds later
in order: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
a seed has one order: true
another seed another: true
"#,
    );
}

#[test]
fn structured() {
    prints(
        "structured",
        r#"
a task group's values: [3, 5]
failed: no luck, after 1 s
3 in the group
0 after the join
[1, 4, 9, 16] after 4 s
[1, 2] steps, and here 0
"#,
    );
}

#[test]
fn setter_and_waiters() {
    prints(
        "setter_and_waiters",
        r#"
1: I'll wait for you
2: I'll wait for you
3: I'll wait for you
hey, wait for me, I have to do something
ok, I'm done
1: it's about time
2: it's about time
3: it's about time
hello
"#,
    );
}

#[test]
fn prime_sieve() {
    prints("prime_sieve", "\n2\n3\n5\n7\n11\n13\n17\n19\n23\n29\n");
}

#[test]
fn tick_boom() {
    prints(
        "tick_boom",
        r#"
    .
    .
tick.
    .
    .
tick.
    .
    .
tick.
    .
    .
tick.
    .
BOOM!
"#,
    );
}

#[test]
fn dining_philosophers() {
    let report = prints_and_says(
        "dining_philosophers",
        r#"
5 of them starve
1 was sent away, and 4 have dined
all have dined
"#,
    );
    assert!(report.starts_with("sward: deadlock: 5 green threads wait for each other"), "{report}");
    for seat in 0..5 {
        assert!(report.contains(&format!(r#""philosopher {seat}" (spawned at"#)), "{report}");
    }
}
