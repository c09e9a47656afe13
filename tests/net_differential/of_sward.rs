//! The scenarios with sward.

pub(crate) use ::sward::{net, thread};

#[path = "scenarios/connecting.rs"]
pub(crate) mod connecting;
#[path = "scenarios/datagrams.rs"]
pub(crate) mod datagrams;
#[path = "scenarios/modes.rs"]
pub(crate) mod modes;
#[path = "scenarios/options.rs"]
pub(crate) mod options;
#[path = "scenarios/streams.rs"]
pub(crate) mod streams;
#[path = "scenarios/tools.rs"]
mod tools;
#[path = "scenarios/waiting.rs"]
pub(crate) mod waiting;
