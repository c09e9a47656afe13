//! Primes, by a chain of filters that grows. Go's concurrent prime sieve:
//!
//! ```go
//! for i := 0; i < 10; i++ {
//!     prime := <-ch
//!     print(prime, "\n")
//!     ch1 := make(chan int)
//!     go Filter(ch, ch1, prime)
//!     ch = ch1
//! }
//! ```
//!
//! Shows channels without a buffer, and how the end of a receiver ends all that send to it: nothing is left over.

use sward::{
    channel::{Receiver, Sender, bounded},
    spawn,
};

fn main() {
    sward::run(|| {
        let (send, mut numbers) = bounded(0);
        let mut handles = vec![spawn(move || generate(&send))];
        for _ in 0..10 {
            let prime = numbers.recv().expect("there are more numbers");
            println!("{prime}");
            let (send, passed) = bounded(0);
            handles.push(spawn(move || filter(&numbers, &send, prime)));
            numbers = passed;
        }
        drop(numbers);
        handles.into_iter().for_each(|handle| handle.join().unwrap());
    });
}

/// 2, 3, 4, … until nobody wants more.
fn generate(numbers: &Sender<u32>) {
    for number in 2.. {
        if numbers.send(number).is_err() {
            return;
        }
    }
}

/// Passes on what `prime` does not divide.
fn filter(numbers: &Receiver<u32>, passed: &Sender<u32>, prime: u32) {
    for number in numbers.iter().filter(|number| number % prime != 0) {
        if passed.send(number).is_err() {
            return;
        }
    }
}
