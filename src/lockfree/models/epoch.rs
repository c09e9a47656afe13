use loom::{model, sync::Arc, thread};

use crate::lockfree::{
    epoch::{Epoch, Epochs},
    park_word::ParkWord,
};

/// The owner, as `Slot::may_be_interrupted` and `meet_interruptions` have it.
struct Owner {
    not_cancelled: Epoch,
}

impl Owner {
    /// Whether a yield meets the cancel.
    fn yields(&mut self, word: &ParkWord, epochs: &Epochs) -> bool {
        if self.not_cancelled == epochs.now() {
            return false;
        }
        let epoch = epochs.now();
        if word.is_cancelled() {
            return true;
        }
        self.not_cancelled = epoch;
        false
    }
}

/// Catches: an epoch that is seen before the mark; one that is read after the word was looked at.
#[test]
fn a_cancel_is_met_at_the_first_yield_after_it() {
    model(|| {
        let shared = Arc::new((ParkWord::running(), Epochs::new()));
        let theirs = Arc::clone(&shared);
        let canceller = thread::spawn(move || {
            let (word, epochs) = &*theirs;
            let _ = word.cancel();
            epochs.begin();
        });
        let (word, epochs) = &*shared;
        let mut owner = Owner { not_cancelled: Epoch::default() };
        let met = owner.yields(word, epochs) || owner.yields(word, epochs);
        canceller.join().unwrap();
        assert!(met || owner.yields(word, epochs));
        // Until it takes it, at every one.
        assert!(owner.yields(word, epochs));
    });
}

/// Catches: an epoch of another's cancel that hides one's own.
#[test]
fn a_cancel_of_another_hides_none() {
    model(|| {
        let shared = Arc::new((ParkWord::running(), ParkWord::running(), Epochs::new()));
        let theirs = Arc::clone(&shared);
        let another = thread::spawn(move || {
            let (_, word, epochs) = &*theirs;
            let _ = word.cancel();
            epochs.begin();
        });
        let theirs = Arc::clone(&shared);
        let canceller = thread::spawn(move || {
            let (word, _, epochs) = &*theirs;
            let _ = word.cancel();
            epochs.begin();
        });
        let (word, _, epochs) = &*shared;
        let mut owner = Owner { not_cancelled: Epoch::default() };
        let met = owner.yields(word, epochs);
        canceller.join().unwrap();
        assert!(met || owner.yields(word, epochs));
        another.join().unwrap();
        assert!(owner.yields(word, epochs));
    });
}
