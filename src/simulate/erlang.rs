//! Exact theory for one skill: Poisson arrivals, exponential talks and patience, first come first served.

/// A queue with `agents` equal agents, `load` erlangs offered, and patience as a rate per mean talk: the
/// steady state of M/M/n+M, and of M/M/n with a rate of 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Theory {
    /// The share of callers who find no agent free.
    pub waits: f64,
    /// The share of callers who hang up.
    pub hangs_up: f64,
    /// The mean wait of everybody, in mean talks.
    pub mean_wait: f64,
    /// The mean number of busy agents.
    pub busy: f64,
}

/// Erlang C for a patience rate of 0 (the load must be less than the agents), Erlang A beyond.
pub fn theory(agents: u32, load: f64, patience_rate: f64) -> Theory {
    // The chance of each state from those below: arrivals over what leaves.
    let leaves =
        |state: u32| f64::from(state.min(agents)) + f64::from(state.saturating_sub(agents)) * patience_rate;
    let mut weight = 1.0;
    let (mut sum, mut waits, mut waiting, mut busy) = (0.0, 0.0, 0.0, 0.0);
    let mut state = 0;
    // Beyond the peak the weights fall; what is left out is below the precision of the sum.
    while state < agents || weight > sum * 1e-16 {
        sum += weight;
        busy += weight * f64::from(state.min(agents));
        if state >= agents {
            waits += weight;
            waiting += weight * f64::from(state - agents);
        }
        state += 1;
        weight *= load / leaves(state);
        if sum > 1e200 {
            [&mut weight, &mut sum, &mut waits, &mut waiting, &mut busy]
                .into_iter()
                .for_each(|x| *x /= 1e200);
        }
    }
    let waiting = waiting / sum;
    Theory {
        waits: waits / sum,
        hangs_up: waiting * patience_rate / load,
        mean_wait: waiting / load,
        busy: busy / sum,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 5e-5
    }

    #[test]
    fn one_agent_is_the_textbooks_queue() {
        let queue = theory(1, 0.8, 0.0);
        assert!(near(queue.waits, 0.8) && near(queue.mean_wait, 4.0) && near(queue.busy, 0.8), "{queue:?}");
    }

    #[test]
    fn erlang_c_as_in_the_tables() {
        // 10 agents, 8 erlangs: C = 0.4092, a mean wait of C ÷ (10 − 8).
        let queue = theory(10, 8.0, 0.0);
        assert!(near(queue.waits, 0.40918) && near(queue.mean_wait, 0.20459), "{queue:?}");
    }

    #[test]
    fn as_much_is_answered_as_is_not_hung_up() {
        let queue = theory(20, 22.0, 0.5);
        assert!(near(queue.busy, 22.0 * (1.0 - queue.hangs_up)), "{queue:?}");
        // Patience as short as a talk: callers in the system are as in M/M/∞, so Poisson.
        let poisson = theory(5, 5.0, 1.0);
        assert!(near(poisson.waits, 0.55951), "{poisson:?}");
    }
}
