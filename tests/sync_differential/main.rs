//! The same programs with `std::sync` and with `sward::sync`: what they see must be the same, texts and all.
//!
//! A program is written once, with plain `use` lines, and compiled three times: with `std` for both its locks and its
//! threads, with sward for both, and with sward's locks on `std`'s threads. The second runs on a green thread of one worker,
//! on one of two, and on a plain OS thread that spawns on the default runtime. A program tells what `std` specifies:
//! results, errors and their texts, poison, order where there is one, counts; never times.
//!
//! What `std` leaves open is not compared: who of several waiters is first, what a lock does for one who holds it already,
//! what a closure of a `Once` does that calls the same `Once`, a condition variable with two mutexes at a time.
//!
//! | where sward differs on purpose | `std` | sward |
//! |---|---|---|
//! | a `Mutex` or a writer's `RwLock` is locked by who holds it | left open: it hangs or panics | it panics |
//! | a cancel or a timeout unwinds out of a critical section | there is none | it does not poison |
//! | a join gives an error | the payload | a `JoinError` with the payload's methods |
//! | the text of a `Mutex` that is held, of 1.95 | `data: "<locked>"`, and `data: <locked>` of an `RwLock` | `data: <locked>` of both |

#![allow(clippy::duplicate_mod, reason = "one program, several instantiations")]
#![allow(clippy::eq_op, clippy::readonly_write_lock, reason = "it is what a program tries")]

#[path = "../support/mod.rs"]
mod support;
#[macro_use]
mod seen;

mod of_os_threads;
mod of_std;
mod of_sward;

use support::{in_run, runtime, watched};

/// A test a program: with `std`, then with sward wherever it can run.
macro_rules! compare {
    ($module:ident: $($program:ident)*) => {
        mod $module {
            use super::*;
            $(
                #[test]
                fn $program() {
                    let expected = watched(of_std::$module::$program);
                    assert!(expected.len() > 1);
                    same("std threads", &expected, &watched(of_os_threads::$module::$program));
                    let program = of_sward::$module::$program;
                    same("an OS thread", &expected, &watched(program));
                    same("one worker", &expected, &in_run(program));
                    same("two workers", &expected, &watched(move || runtime(2).run(program)));
                }
            )*
        }
    };
}

/// For what sward does not have yet: a program sees the same twice.
#[allow(unused_macros)]
macro_rules! std_only {
    ($module:ident: $($program:ident)*) => {
        mod $module {
            use super::*;
            $(
                #[test]
                fn $program() {
                    let expected = watched(of_std::$module::$program);
                    assert!(expected.len() > 1);
                    same("std again", &expected, &watched(of_std::$module::$program));
                }
            )*
        }
    };
}

compare! { mutex:
    increments_are_not_lost try_lock_finds_it_free_or_held a_waiter_gets_it_after_the_unlock only_one_is_inside
    the_value_by_other_ways a_static unsized_values texts what_guards_do the_value_is_dropped_once
    results_are_stds traits
}

compare! { poison:
    a_panic_of_the_holder_poisons all_ways_to_the_value clear_poison_makes_it_good clear_poison_while_locked
    texts_of_the_poisoned what_does_not_poison a_lock_that_is_taken_while_panicking panics_of_every_kind_poison
    every_lock_that_is_held_is_poisoned a_panic_elsewhere_does_not_poison those_who_wait_learn_of_it
    errors_made_by_hand
}

compare! { arc:
    the_very_same_types references_are_counted
}

compare! { rwlock:
    readers_together_writers_alone many_readers_are_inside_at_once readers_and_writers_exclude_each_other
    those_who_wait_come_in_after_the_writer a_writer_waits_for_all_readers downgrade poison
    a_reader_in_a_panic those_who_wait_learn_of_poison texts the_value_by_other_ways guards_and_results
    traits
}

compare! { condvar:
    a_waiter_is_notified a_wait_lets_the_lock_go each_notification_wakes_one a_queue_of_two_condvars
    a_notification_without_a_waiter_is_lost conditions_are_asked_first timeouts poison
    a_condition_that_panics a_waiter_holds_other_locks statics_and_traits
}

compare! { barrier:
    all_wait_for_all nobody_passes_early it_is_used_again_and_again of_one_and_of_none two_by_two
    statics_and_traits
}

compare! { once:
    it_runs_once all_wait_until_it_has_run it_is_not_completed_while_it_runs a_panic_poisons
    those_who_wait_learn_of_it waits_end_with_the_run wait_force_outlives_a_panic one_within_another
    statics_and_traits
}

compare! { once_lock:
    it_is_set_once one_initialises_and_all_see_it one_of_many_sets a_panic_leaves_it_empty
    those_who_wait_try_after_a_panic set_waits_for_who_initialises wait_outlives_a_panic
    conversions_and_comparisons the_value_is_dropped_once it_may_outlive_what_it_refers_to statics_and_traits
}

compare! { lazy_lock:
    it_is_made_when_it_is_needed by_an_exclusive_borrow one_makes_it_and_all_see_it a_panic_poisons
    those_who_wait_learn_of_it what_it_holds_is_dropped statics_and_traits
}

compare! { mpsc:
    one_sender_in_order many_senders_keep_each_its_order a_receiver_waits the_sender_goes_first
    what_was_sent_outlives_the_sender the_receiver_goes_first the_receiver_goes_while_senders_wait
    a_bounded_channel_is_full a_rendezvous timeouts iterators messages_are_dropped_once a_sender_that_panics
    channels_through_channels a_ring
}

compare! { mpsc_types:
    errors texts traits lifetimes
}

compare! { reentry:
    messages_that_send_when_they_are_dropped
    the_same_when_there_is_a_bound
    drops_that_panic
    texts_that_look_at_the_lock
    closures_that_look
    all_of_it_in_a_drop_of_a_panic
    a_once_that_is_used_in_a_panic_of_another
    many_and_large_messages
}

compare! { lifetimes: a_read_guard_is_covariant }

/// Fails with every line that differs.
#[track_caller]
fn same(where_run: &str, expected: &[String], seen: &[String]) {
    let lines = expected.iter().zip(seen).filter(|(expected, seen)| expected != seen);
    let lines: Vec<_> = lines.map(|(expected, seen)| format!("std   {expected}\nsward {seen}\n")).collect();
    assert!(lines.is_empty(), "it differs on {where_run}:\n{}", lines.concat());
    assert_eq!(seen.len(), expected.len(), "it differs on {where_run} in the number of lines");
}
