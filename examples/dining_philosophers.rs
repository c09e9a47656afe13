//! Five philosophers, five forks, and what happens when each takes the fork to the left first. Dijkstra's problem.
//!
//! Shows the deadlock report: it names who waits for what, and who has it; and a cancel ends the deadlock, since the
//! forks of one who is cancelled are put back.

use sward::{
    inspect, scope,
    sync::{Arc, Mutex},
    thread::Builder,
    time::Duration,
    yield_now,
};

fn main() {
    sward::Runtime::builder().virtual_clock(true).run(|| {
        everybody_takes_the_left_fork_first();
        one_takes_the_right_fork_first();
    });
}

fn everybody_takes_the_left_fork_first() {
    let forks = Arc::new([(); 5].map(|()| Mutex::new(())));
    let table: Vec<_> = (0..5)
        .map(|seat| {
            let forks = Arc::clone(&forks);
            let dine = move || {
                let _left = forks[seat].lock().unwrap();
                yield_now(); // everybody has one now
                let _right = forks[(seat + 1) % 5].lock().unwrap();
            };
            Builder::new().name(format!("philosopher {seat}")).spawn(dine).expect("a green thread")
        })
        .collect();
    // The report is made when nothing can run.
    sward::sleep(Duration::from_secs(1));
    for deadlock in inspect::deadlocks() {
        println!("{} of them starve", deadlock.members().len());
    }
    table[0].cancel();
    let ends = sward::join_all(table);
    let (dined, sent_away): (Vec<_>, Vec<_>) = ends.into_iter().partition(Result::is_ok);
    println!("{} was sent away, and {} have dined", sent_away.len(), dined.len());
}

fn one_takes_the_right_fork_first() {
    let forks = [(); 5].map(|()| Mutex::new(()));
    scope(|scope| {
        for seat in 0..5 {
            let forks = &forks;
            scope.spawn(move || {
                let (first, second) = if seat == 4 { (0, 4) } else { (seat, seat + 1) };
                let _first = forks[first].lock().unwrap();
                yield_now();
                let _second = forks[second].lock().unwrap();
            });
        }
    });
    println!("all have dined");
}
