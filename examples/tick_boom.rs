//! Waits for several channels at once. The Go tour's "Default Selection":
//!
//! ```go
//! select {
//! case <-tick:
//!     fmt.Println("tick.")
//! case <-boom:
//!     fmt.Println("BOOM!")
//!     return
//! default:
//!     fmt.Println("    .")
//!     time.Sleep(50 * time.Millisecond)
//! }
//! ```
//!
//! Shows `select!` with a default, and `tick` and `after`, which keep the runtime's time: here a virtual one.

use std::time::Duration;

use sward::{
    channel::{after, select, tick},
    sleep,
};

fn main() {
    sward::Runtime::builder().virtual_clock(true).run(program);
}

fn program() {
    let ticks = tick(Duration::from_millis(100));
    let boom = after(Duration::from_millis(450));
    loop {
        select! {
            recv(ticks) -> _ => println!("tick."),
            recv(boom) -> _ => {
                println!("BOOM!");
                return;
            }
            default => {
                println!("    .");
                sleep(Duration::from_millis(50));
            }
        }
    }
}
