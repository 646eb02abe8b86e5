//! Agents are put into the center's file and taken out of it while callers, agents and the network do as they like.

use super::*;

/// The center's file with some of its agents and another one, whose skills are others each time; somebody is there.
fn some_agents(world: &mut World, seed: u64) -> String {
    let mut lines = String::new();
    let leaves_out = world.entropy.below(6);
    for (agent, place) in ["alice", "bob", "carol"].into_iter().zip(0..) {
        if leaves_out != place {
            let level = 1 + world.entropy.below(9);
            lines
                .push_str(&format!("  {agent}: {{ skills: {{ talk: {level} }}, ready: when registered }}\n"));
        }
    }
    let text = center_text(seed);
    let head = text.split("agents:\n").next().expect("it has agents");
    format!("{head}agents:\n{lines}")
}

impl World {
    /// The center's file changes so many times from now on.
    fn changes_agents(&mut self, seed: u64, times: u32) {
        let mut roster = self.first_center.engine.roster_names();
        let mut after = Duration::ZERO;
        for _ in 0..times {
            after += self.between(1_000, 50_000);
            let center = center_beside(&some_agents(self, seed), GREET, &roster);
            roster = center.engine.roster_names();
            let all = Edition { version: "test".into(), center: Arc::new(center), library: Arc::default() };
            self.later(after, Due::Serve(Box::new(Served { all, canary: None })));
        }
    }
}

#[test]
fn whoever_comes_and_goes_talks_go_on_and_who_is_gone_gets_no_call() {
    let number = |name| std::env::var(name).ok().and_then(|number| number.parse::<u64>().ok());
    let seeds = match number("WARMLINE_SEED") {
        Some(one) => one..one + 1,
        None => 0..number("WARMLINE_SEEDS").unwrap_or(120),
    };
    let (mut went, mut kept, mut came) = (0, 0, 0);
    for seed in seeds {
        let checked = catch_unwind(AssertUnwindSafe(|| {
            let mut world = World::with_journal(seed);
            world.wants_callbacks = seed % 4 == 0;
            world.changes_agents(seed, 8);
            let after = world.between(20_000, 200_000);
            world.run_until(world.now + after);
            let talks_and_waits = world.talks_and_waits();
            world.killed_and_carried_on();
            assert_eq!(world.talks_and_waits(), talks_and_waits, "a talk or a wait is over");
            world.run_until(world.now + Duration::from_secs(5 * 3_600));
            world.check_quiet();
            let mut gone: BTreeSet<&str> = BTreeSet::new();
            for fact in &world.facts {
                match &fact.what {
                    What::AgentAdded { agent } => {
                        gone.remove(&**agent);
                        came += 1;
                    }
                    What::AgentRemoved { agent } => {
                        gone.insert(agent);
                        went += 1;
                    }
                    What::AgentRinging { agent, .. } => assert!(!gone.contains(&**agent), "{agent} is rung"),
                    What::TalkEnded { agent, .. } => kept += u32::from(gone.contains(&**agent)),
                    _ => {}
                }
            }
        }));
        assert!(checked.is_ok(), "seed {seed}: WARMLINE_SEED={seed} runs it alone");
    }
    assert!(went > 0 && kept > 0 && came > 0, "went {went}, kept a talk {kept}, came {came}");
}
