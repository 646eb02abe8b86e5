//! How a media worker gets a core the moment its slot begins: as a real-time thread, where we may have one
//! (`CAP_SYS_NICE`), and else by a niceness, where we may have that.
//!
//! Its work is a fraction of a millisecond, and each one that it waits is heard. A worker that is awake nearly all the time
//! gives the class back: then the threads that decide must have their turn, too, for theirs is to refuse new calls.

use thread_priority::NormalThreadSchedulePolicy;
use thread_priority::RealtimeThreadSchedulePolicy;
use thread_priority::ThreadPriority;
use thread_priority::ThreadSchedulePolicy;
use thread_priority::set_thread_priority_and_policy;
use thread_priority::thread_native_id;

use crate::base::Timestamp;

/// The niceness of a worker that is no real-time thread.
const NICENESS: i32 = -11;
/// How often its share of a core is looked at, in microseconds.
const LOOK_US: u64 = 1_000_000;
/// Awake for more than this percentage of the time it gives the class back, and takes it again below the other.
const GIVE_UP: u64 = 90;
const TAKE_BACK: u64 = 70;

/// The urgency of the thread that made it.
#[derive(Debug)]
pub(super) struct Urgency {
    class: Class,
    looked: Timestamp,
    busy_us: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    RealTime,
    /// Given back for now.
    Yielded,
    /// We may not.
    Refused,
}

impl Urgency {
    /// Puts this thread before the others, as far as we may.
    pub fn claim(now: Timestamp) -> Urgency {
        let class = if before_others() { Class::RealTime } else { Class::Refused };
        Urgency { class, looked: now, busy_us: 0 }
    }

    /// Looks at how long the thread was awake so far, once a second.
    pub fn look(&mut self, now: Timestamp, busy_us: u64) {
        let passed = now.since(self.looked).as_micros() as u64;
        if passed < LOOK_US {
            return;
        }
        let share = 100 * (busy_us - self.busy_us) / passed;
        (self.looked, self.busy_us) = (now, busy_us);
        let class = self.class.after(share);
        if class != self.class {
            self.class = class;
            match class {
                Class::RealTime => _ = before_others(),
                Class::Yielded | Class::Refused => among_others(),
            }
        }
    }
}

impl Class {
    /// Which one it has after a second in which it was awake for this percentage.
    const fn after(self, share: u64) -> Class {
        match self {
            Class::RealTime if share > GIVE_UP => Class::Yielded,
            Class::Yielded if share < TAKE_BACK => Class::RealTime,
            same => same,
        }
    }
}

/// Makes this thread a real-time one, of the lowest priority that such threads have; false, and a niceness instead, where we
/// may not.
pub fn before_others() -> bool {
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::RoundRobin);
    let may = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, policy).is_ok();
    if !may {
        be_nice();
    }
    may
}

fn among_others() {
    let policy = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Other);
    let _ = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, policy);
    be_nice();
}

fn be_nice() {
    // Of this thread alone. Refused to most users, and audio flows without it too.
    let _ = rustix::process::setpriority_process(None, NICENESS);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_is_always_awake_lets_others_have_their_turn_until_it_is_not() {
        let classes: Vec<Class> = [50, 90, 91, 100, 70, 69, 95]
            .into_iter()
            .scan(Class::RealTime, |class, share| {
                *class = class.after(share);
                Some(*class)
            })
            .collect();
        use Class::RealTime;
        use Class::Yielded;
        assert_eq!(classes, [RealTime, RealTime, Yielded, Yielded, Yielded, RealTime, Yielded]);
        assert_eq!(Class::Refused.after(10), Class::Refused);
    }

    #[test]
    fn the_thread_has_the_class_that_it_says_and_gives_it_back() {
        let thread = std::thread::spawn(|| {
            let policy = || thread_priority::thread_schedule_policy().unwrap();
            let mut urgency = Urgency::claim(Timestamp::ZERO);
            let real_time = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::RoundRobin);
            assert_eq!(urgency.class == Class::RealTime, policy() == real_time);
            urgency.look(Timestamp(LOOK_US - 1), LOOK_US - 1);
            assert_eq!(
                urgency.class == Class::RealTime,
                policy() == real_time,
                "not before a second is over"
            );
            urgency.look(Timestamp(LOOK_US), LOOK_US);
            assert_ne!(policy(), real_time);
        });
        thread.join().unwrap();
    }
}
