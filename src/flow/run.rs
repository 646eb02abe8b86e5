//! One caller walking through a flow: told what happens, it answers what must be done.
//!
//! Keys that come while nobody asks are kept, `MAX_KEPT` of them, for the node that asks next. As long as that may
//! still be a node that asks for a secret, no fact tells them; see `Session::kept_untold`. Nor does one for a while after
//! such a node: see `keypad`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use crate::base::Name;
use crate::base::Secret;
use crate::base::Timestamp;
use crate::base::WallTime;
use crate::fact::IdentifiedBy;
use crate::fact::Verification;
use crate::fact::What;
use crate::flow::api::Caller;
use crate::flow::api::ExitName;
use crate::flow::api::FlowAction;
use crate::flow::api::FlowEvent;
use crate::flow::center::Center;
use crate::flow::keypad::Hush;
use crate::flow::keypad::Keypad;
use crate::flow::model::Flow;
use crate::flow::model::FlowNode;
use crate::flow::model::NodeIndex;
use crate::flow::model::Value;
use crate::flow::model::Variables;
use crate::flow::node::Node;
use crate::flow::node::State;
use crate::flow::step::Input;
use crate::flow::step::MAX_KEPT;
use crate::flow::step::Next;
use crate::flow::step::Session;
use crate::flow::step::Step;

/// How long a caller may hold the line before silence counts all the same.
const HELD_AT_MOST: Duration = Duration::from_secs(30 * 60);

/// One caller in a flow. Plain data; what the caller keyed of a secret is lost when it is written down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    flow: Name,
    node: NodeIndex,
    state: State,
    session: Session,
    /// The flows that wait for what this one returns, outermost first.
    callers: Vec<Frame>,
    started: bool,
    over: bool,
    /// The line was answered before it began.
    #[serde(default)]
    goes_on: bool,
}

/// What a flow has learned of its caller, for another one that goes on with them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Served {
    caller: Caller,
    verified: bool,
    verified_by: Option<Verification>,
    consent: Option<bool>,
    language: Name,
    next_play: u32,
    #[serde(default)]
    keypad: Keypad,
    #[serde(default)]
    hush: Option<Hush>,
}

/// A flow that has called another: where it goes on, and what it knows. What it knows in secret is lost when it is
/// written down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Frame {
    flow: Name,
    node: NodeIndex,
    variables: Variables,
    secrets: BTreeMap<Name, Secret>,
}

impl Served {
    /// The recording that says the customer's name.
    pub(crate) fn name_prompt(&self) -> Option<&Name> {
        self.caller.customer.as_ref()?.name_prompt.as_ref()
    }
}

impl Run {
    /// A run of `flow` for `caller`; nothing happens until [`FlowEvent::Started`].
    ///
    /// A flow that `center` does not have ends the call with the reason `flow error` as soon as it starts.
    pub fn start(center: &Center, flow: &Name, caller: Caller) -> Run {
        let start = center.flows.get(flow).map_or(NodeIndex::NOWHERE, |flow| flow.start);
        let session = Session {
            caller,
            wall: WallTime(0),
            began: Timestamp::ZERO,
            variables: Variables::new(),
            secrets: Default::default(),
            verified: false,
            verified_by: None,
            consent: None,
            language: Name::clone(&center.language),
            kept_untold: Secret::default(),
            kept: String::new(),
            next_play: 1,
            next_fetch: 1,
            playing: None,
            timer: None,
            keypad: Keypad::default(),
            held_until: None,
            waits: Duration::ZERO,
            unheard: Default::default(),
            hush: None,
        };
        Run {
            flow: Name::clone(flow),
            node: start,
            state: State::Plain,
            session,
            callers: Vec::new(),
            started: false,
            over: false,
            goes_on: false,
        }
    }

    /// A run of `flow` for a caller whom another one has served, on the same line: what they proved holds, and what they
    /// said is not asked again.
    pub fn go_on(center: &Center, flow: &Name, served: Served) -> Run {
        let Served { caller, verified, verified_by, consent, language, next_play, keypad, hush } = served;
        let mut run = Run::start(center, flow, caller);
        (run.session.verified, run.session.verified_by) = (verified, verified_by);
        (run.session.consent, run.session.language) = (consent, language);
        (run.session.next_play, run.goes_on) = (next_play, true);
        (run.session.keypad, run.session.hush) = (keypad, hush);
        run
    }

    /// What it has learned of its caller.
    pub fn served(self) -> Served {
        let Session { caller, verified, verified_by, consent, language, next_play, keypad, hush, .. } =
            self.session;
        Served { caller, verified, verified_by, consent, language, next_play, keypad, hush }
    }

    /// Applies `event` at `now` and appends what must be done, in order, to `out`.
    ///
    /// An event that does not fit (an old play's end, a key after the end) is ignored.
    pub fn handle(&mut self, center: &Center, now: Timestamp, event: FlowEvent, out: &mut Vec<FlowAction>) {
        if self.over {
            return;
        }
        let Some(flow) = center.flows.get(&self.flow) else { return self.fail(out) };
        if let Some(hush) = &mut self.session.hush {
            hush.goes_on(now, self.session.playing.map(|playing| playing.play));
        }
        match event {
            FlowEvent::Started { wall } => self.begin(center, flow, now, wall, out),
            FlowEvent::HungUp => self.hung_up(flow, now, out),
            _ if !self.started => {}
            FlowEvent::PlayEnded { play } => {
                if self.session.playing.is_some_and(|playing| playing.play == play) {
                    self.session.playing = None;
                    self.input(center, flow, now, Input::PlayEnded, out);
                }
            }
            FlowEvent::Digit(digit) => self.digit(center, flow, now, digit, out),
            FlowEvent::Verified(result) => self.input(center, flow, now, Input::Verified(result), out),
            FlowEvent::Fetched { number, result } => {
                self.input(center, flow, now, Input::Fetched { number, result }, out);
            }
            FlowEvent::Bot(end) => self.input(center, flow, now, Input::Bot(end), out),
            FlowEvent::Transferred(result) => {
                self.input(center, flow, now, Input::Transferred(result), out);
            }
            FlowEvent::Message(news) => self.input(center, flow, now, Input::Message(news), out),
            FlowEvent::Held => self.session.held_until = Some(now + HELD_AT_MOST),
            FlowEvent::Resumed => self.resumed(now),
            FlowEvent::Tick => {
                if self.session.timer.is_some_and(|due| due <= now) {
                    self.session.timer = None;
                    self.input(center, flow, now, Input::Timer, out);
                }
            }
        }
        self.stand_still(center, now);
    }

    /// While the caller's phone holds the line nobody counts how long they press no key.
    fn stand_still(&mut self, center: &Center, now: Timestamp) {
        let Some(until) = self.session.held_until.filter(|until| *until > now) else { return };
        let at = center.flows.get(&self.flow).and_then(|flow| flow.node(self.node));
        if at.is_some_and(|at| at.node.waits_for_keys(&self.state)) {
            self.session.timer = self.session.timer.map(|_| until);
        }
    }

    /// They are back, and have as long as they had at first.
    fn resumed(&mut self, now: Timestamp) {
        let until = self.session.held_until.take();
        if until.is_some() && self.session.timer == until {
            self.session.timer = Some(now + self.session.waits);
        }
    }

    /// When [`FlowEvent::Tick`] is next due.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.session.timer.filter(|_| !self.over)
    }

    /// Whether the flow has ended: by a queue, a hang-up, or the caller's.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Whether the caller has proven who they are.
    pub fn is_verified(&self) -> bool {
        self.session.verified
    }

    /// Who calls, as far as the flow has found out.
    pub fn caller(&self) -> &Caller {
        &self.session.caller
    }

    /// The language that the caller is spoken to in.
    pub fn language(&self) -> &Name {
        &self.session.language
    }

    /// Whether a key would be an answer now, rather than be kept for a later question.
    pub fn listens(&self, center: &Center) -> bool {
        let at = center.flows.get(&self.flow).and_then(|flow| flow.node(self.node));
        !self.over && self.started && at.is_some_and(|at| at.node.listens(&self.state))
    }

    /// The flow that runs.
    pub fn flow(&self) -> &Name {
        &self.flow
    }

    /// What the flow has put into variables, by name. No secret is among them.
    pub fn variables(&self) -> impl Iterator<Item = (&Name, &Value)> {
        self.session.variables.iter()
    }

    fn begin(
        &mut self,
        center: &Center,
        flow: &Flow,
        now: Timestamp,
        wall: WallTime,
        out: &mut Vec<FlowAction>,
    ) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        self.session.wall = wall;
        self.session.began = now;
        if !self.goes_on && !flow.node(self.node).is_some_and(|first| matches!(first.node, Node::Ring(_))) {
            out.push(FlowAction::Answer);
        }
        out.push(FlowAction::Fact(What::FlowStarted { flow: Name::clone(&flow.name) }));
        if let Some(customer) = self.session.caller.customer.as_ref().filter(|_| !self.goes_on) {
            let (customer, name) = (customer.account.clone(), customer.name.clone());
            out.push(FlowAction::Fact(What::Identified { customer, name, by: IdentifiedBy::CallingNumber }));
        }
        let next = self.enter(flow, now, (self.node, None), out);
        self.go(center, now, next, out);
    }

    fn hung_up(&mut self, flow: &Flow, now: Timestamp, out: &mut Vec<FlowAction>) {
        if let (Some(FlowNode { node: Node::Verify(verify), .. }), State::Verify(_)) =
            (flow.node(self.node), &self.state)
            && let Some(mut step) = self.step(flow, now, out)
        {
            verify.abandoned(&mut step);
        }
        if let (Some(FlowNode { node: Node::Voicemail(voicemail), .. }), State::Voicemail(state)) =
            (flow.node(self.node), self.state.clone())
            && let Some(mut step) = self.step(flow, now, out)
        {
            voicemail.abandoned(&state, &mut step);
        }
        self.end();
    }

    fn digit(
        &mut self,
        center: &Center,
        flow: &Flow,
        now: Timestamp,
        digit: char,
        out: &mut Vec<FlowAction>,
    ) {
        let digit = digit.to_ascii_uppercase();
        if !matches!(digit, '0'..='9' | '*' | '#' | 'A'..='D') {
            return;
        }
        let Some(at) = flow.node(self.node) else { return self.fail(out) };
        let hushed = self.session.is_hushed(now);
        if let Some(hush) = self.session.hush.as_mut().filter(|_| hushed) {
            hush.keyed(now);
        }
        let untold = at.node.asks_secret() || hushed;
        if self.session.keypad.ignores(now, digit) {
            if !untold && !at.secret_ahead {
                out.push(FlowAction::Fact(What::Digit { digit }));
            }
            return;
        }
        let listens = at.node.listens(&self.state);
        let stops = self.session.playing.is_some_and(|playing| playing.barge_in);
        let taken = listens && (stops || self.session.playing.is_none());
        let Some(mut step) = self.step(flow, now, out) else { return };
        if stops {
            step.stop_play();
        }
        // Whatever was due, this key comes first; the node that takes it says what is due next.
        if taken {
            if stops && !untold {
                step.fact(What::BargedIn { digit });
            }
            step.session.timer = None;
            self.input(center, flow, now, Input::Digit { digit, told: false }, out);
            return;
        }
        if stops && !untold && !step.secret_ahead {
            step.fact(What::BargedIn { digit });
        }
        match hushed && !at.node.asks_secret() {
            true => step.keep_alone(digit),
            false => step.keep(digit),
        }
        if stops {
            self.input(center, flow, now, Input::PlayEnded, out);
        }
    }

    fn input(
        &mut self,
        center: &Center,
        flow: &Flow,
        now: Timestamp,
        input: Input,
        out: &mut Vec<FlowAction>,
    ) {
        let next = self.in_node(flow, now, input, out);
        self.go(center, now, next, out);
    }

    /// Goes where `next` leads until a node waits for something, giving it the keys that were kept for it.
    fn go(&mut self, center: &Center, now: Timestamp, mut next: Next, out: &mut Vec<FlowAction>) {
        // Without a key nobody comes to a node twice, says the checker; and at most so many keys have been kept.
        // Who still goes on after that goes round for ever, and the fault is ours. A flow that is entered brings its
        // own nodes, and flows are entered no oftener than they could be without a circle.
        let nodes = |flow: &Name| center.flows.get(flow).map_or(0, |flow| flow.nodes.len() * (MAX_KEPT + 2));
        let mut budget = nodes(&self.flow);
        let mut flows = center.flows.len().saturating_mul(MAX_KEPT + 2);
        loop {
            let Some(flow) = center.flows.get(&self.flow) else { return self.fail(out) };
            next = match next {
                Next::Over => return self.end(),
                Next::Go(..) if budget == 0 => return self.fail(out),
                Next::GoTo(_) | Next::Call(..) | Next::Return(_) if flows == 0 => return self.fail(out),
                Next::Go(exit, to) => {
                    budget -= 1;
                    self.hush(flow, now, to);
                    if let Some(at) = flow.node(self.node) {
                        let (flow, node) = (Name::clone(&flow.name), Name::clone(&at.name));
                        out.push(FlowAction::Left { flow, node, exit: exit.clone() });
                    }
                    let by = Some(Name::from(exit.to_string()));
                    self.enter(flow, now, (to, by), out)
                }
                Next::GoTo(other) => {
                    flows -= 1;
                    budget += nodes(&other);
                    self.callers.clear();
                    self.enter_flow(center, now, other, Variables::new(), out)
                }
                Next::Call(other, taken) => {
                    flows -= 1;
                    budget += nodes(&other);
                    self.callers.push(Frame {
                        flow: Name::clone(&self.flow),
                        node: self.node,
                        variables: std::mem::take(&mut self.session.variables),
                        secrets: std::mem::take(&mut self.session.secrets),
                    });
                    self.enter_flow(center, now, other, taken, out)
                }
                Next::Return(result) => {
                    flows -= 1;
                    budget += 1;
                    match self.give_back(center, result, out) {
                        Some(next) => next,
                        None => return self.fail(out),
                    }
                }
                Next::Stay => match self.kept_for_this_node(flow, now, out) {
                    Some(input) => self.in_node(flow, now, input, out),
                    None => return,
                },
            };
        }
    }

    /// A node that asked for a secret is left for another: what is keyed now, or was while it was checked, may be the secret
    /// once more.
    fn hush(&mut self, flow: &Flow, now: Timestamp, to: NodeIndex) {
        if flow.node(self.node).is_some_and(|at| at.node.asked_secret(&self.state)) {
            self.session.hush = Some(Hush::new(now));
        }
        let goes_on = flow.node(to).is_some_and(|to| to.node.asks_secret());
        if self.session.is_hushed(now) && !goes_on && self.session.kept() > 1 {
            self.session.forget_kept();
            self.session.keypad.ends_burst();
        }
    }

    /// Begins another flow, which knows nothing of this one's variables but what it takes.
    fn enter_flow(
        &mut self,
        center: &Center,
        now: Timestamp,
        name: Name,
        taken: Variables,
        out: &mut Vec<FlowAction>,
    ) -> Next {
        let Some(flow) = center.flows.get(&name) else {
            self.fail(out);
            return Next::Over;
        };
        self.session.variables = taken;
        self.session.secrets.clear();
        out.push(FlowAction::Fact(What::FlowStarted { flow: Name::clone(&name) }));
        self.flow = name;
        self.enter(flow, now, (flow.start, None), out)
    }

    /// Back into the flow that called this one, by the exit that `result` has there, with what this one gives.
    fn give_back(&mut self, center: &Center, result: Name, out: &mut Vec<FlowAction>) -> Option<Next> {
        let frame = self.callers.pop()?;
        let Node::Call(call) = &center.flows.get(&frame.flow)?.node(frame.node)?.node else { return None };
        let to = call.after(&result)?;
        self.flow = frame.flow;
        self.node = frame.node;
        let given = std::mem::replace(&mut self.session.variables, frame.variables);
        self.session.secrets = frame.secrets;
        for ours in &call.gives {
            // The checker lets no flow through that gives what has no value.
            let Some(value) = given.get(&ours.field) else { continue };
            let (name, told) = (Name::clone(&ours.variable), value.in_words());
            out.push(FlowAction::Fact(What::VariableSet { name: Name::clone(&name), value: told }));
            self.session.variables.insert(name, value.clone());
        }
        Some(Next::Go(ExitName::Result(result), to))
    }

    fn enter(
        &mut self,
        flow: &Flow,
        now: Timestamp,
        (to, by): (NodeIndex, Option<Name>),
        out: &mut Vec<FlowAction>,
    ) -> Next {
        self.node = to;
        self.state = State::Plain;
        self.session.timer = None;
        let (Some(at), Some(mut step)) = (flow.node(to), self.step(flow, now, out)) else {
            self.fail(out);
            return Next::Over;
        };
        let (flow, node) = (Name::clone(&flow.name), Name::clone(&at.name));
        step.fact(What::NodeEntered { flow, node, by });
        let (state, next) = at.node.enter(&mut step);
        self.state = state;
        next
    }

    fn in_node(&mut self, flow: &Flow, now: Timestamp, input: Input, out: &mut Vec<FlowAction>) -> Next {
        let mut state = std::mem::replace(&mut self.state, State::Plain);
        let (Some(at), Some(mut step)) = (flow.node(self.node), self.step(flow, now, out)) else {
            self.fail(out);
            return Next::Over;
        };
        let next = at.node.handle(&mut state, &mut step, input);
        self.state = state;
        next
    }

    fn kept_for_this_node(
        &mut self,
        flow: &Flow,
        now: Timestamp,
        out: &mut Vec<FlowAction>,
    ) -> Option<Input> {
        let listens = flow.node(self.node)?.node.listens(&self.state);
        if !listens || self.session.playing.is_some() {
            return None;
        }
        let mut step = self.step(flow, now, out)?;
        let (digit, told) = step.take_kept()?;
        step.session.timer = None;
        Some(Input::Digit { digit, told })
    }

    fn step<'a>(
        &'a mut self,
        flow: &'a Flow,
        now: Timestamp,
        out: &'a mut Vec<FlowAction>,
    ) -> Option<Step<'a>> {
        let at = flow.node(self.node)?;
        Some(Step { now, node: &at.name, secret_ahead: at.secret_ahead, session: &mut self.session, out })
    }

    fn end(&mut self) {
        self.over = true;
        self.session.timer = None;
        self.session.playing = None;
        self.session.kept_untold = Secret::default();
        self.session.secrets.clear();
        self.callers.clear();
        self.state = State::Plain;
    }

    /// Something of ours is wrong, or the center was changed under a run: the caller is not left in silence.
    fn fail(&mut self, out: &mut Vec<FlowAction>) {
        out.push(FlowAction::HangUp { reason: Name::from("flow error") });
        self.end();
    }
}
