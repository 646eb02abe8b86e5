//! Who hears whom in a talk. What it should be follows from where the talk is, and only what differs from what
//! was last told to the streams is told again.

use serde::Deserialize;
use serde::Serialize;
use smallvec::SmallVec;

use super::Call;
use super::CallAction;
use super::consult::Stage;
use super::waiting::RINGING_TONE;
use crate::base::LegId;
use crate::base::Name;
use crate::fact::SuperviseMode;
use crate::flow::Center;
use crate::queue::hold::Hold;

/// Legs that are heard together.
pub(super) type Legs = SmallVec<[LegId; 4]>;

/// What a leg hears.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Sound {
    /// These; nobody is silence.
    Legs(Legs),
    /// Music on hold.
    Music,
    /// A ringing tone, which is no hold music: somebody will be back.
    Ringing,
    /// A word to which the music stood back, and which has ended or will.
    Word,
}

/// What each leg was last told to hear.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Heard(SmallVec<[(LegId, Sound); 2]>);

impl Heard {
    /// Two who were joined.
    pub fn joined(a: LegId, b: LegId) -> Heard {
        let one = |leg| Sound::Legs(SmallVec::from_slice(&[leg]));
        Heard(SmallVec::from_vec(vec![(a, one(b)), (b, one(a))]))
    }

    /// Something was said to a leg: music does not come back by itself.
    pub fn said_over(&mut self, leg: LegId) {
        if let Some((_, sound)) = self.0.iter_mut().find(|(known, _)| *known == leg)
            && *sound == Sound::Music
        {
            *sound = Sound::Word;
        }
    }

    fn of(&self, leg: LegId) -> Option<&Sound> {
        self.0.iter().find(|(known, _)| *known == leg).map(|(_, sound)| sound)
    }

    fn set(&mut self, leg: LegId, sound: Sound) {
        match self.0.iter_mut().find(|(known, _)| *known == leg) {
            Some((_, known)) => *known = sound,
            None => self.0.push((leg, sound)),
        }
    }

    fn keep(&mut self, wanted: &[(LegId, Sound)]) {
        self.0.retain(|(leg, _)| wanted.iter().any(|(known, _)| known == leg));
    }
}

impl Call {
    /// Brings what everybody hears to where the talk is.
    pub(super) fn retune(&mut self, center: &Center, out: &mut Vec<CallAction>) {
        let wanted = self.wanted();
        let music = self.music_name(center);
        for (leg, want) in &wanted {
            self.tune(*leg, want, music.as_ref(), out);
        }
        if let Some(talk) = self.talk_mut() {
            talk.heard.keep(&wanted);
        }
    }

    fn tune(&mut self, leg: LegId, want: &Sound, music: Option<&Name>, out: &mut Vec<CallAction>) {
        let is_caller = self.caller == Some(leg);
        let Some(talk) = self.talk_mut() else { return };
        let told = talk.heard.of(leg).cloned();
        if told.as_ref() == Some(want) {
            return;
        }
        match want {
            // The word goes on to its end; then the music comes back.
            Sound::Music if told == Some(Sound::Word) && is_caller && talk.word.is_some() => return,
            Sound::Music | Sound::Ringing => {
                if matches!(&told, Some(Sound::Legs(legs)) if !legs.is_empty()) {
                    out.push(CallAction::Hear { leg, whom: Legs::new() });
                }
                let prompts: Vec<Name> = match want {
                    Sound::Ringing => vec![RINGING_TONE.into()],
                    _ => music.into_iter().cloned().collect(),
                };
                let play = self.new_play();
                out.push(CallAction::Play { leg, play, prompts, barge_in: false, repeat: true });
            }
            Sound::Legs(whom) => {
                if matches!(told, Some(Sound::Music | Sound::Ringing | Sound::Word)) {
                    out.push(CallAction::StopPlay { leg });
                }
                if !whom.is_empty() || told.is_some() {
                    out.push(CallAction::Hear { leg, whom: whom.clone() });
                }
            }
            Sound::Word => return,
        }
        if let Some(talk) = self.talk_mut() {
            talk.heard.set(leg, want.clone());
        }
    }

    fn music_name(&self, center: &Center) -> Option<Name> {
        let place = self.joined.as_ref()?.place();
        center.wait_prompts.get(place).map(|prompts| prompts.music.clone())
    }

    /// What every leg of the talk should hear now.
    fn wanted(&self) -> Vec<(LegId, Sound)> {
        let Some(talk) = self.talk() else { return Vec::new() };
        let held = talk.hold.as_ref().is_some_and(Hold::is_held);
        let agent = self.agent.as_ref().map(|line| line.leg);
        let consulted = talk.consult.as_ref().filter(|consult| consult.stage == Stage::Together);
        let receiver = consulted.and_then(|consult| consult.line.as_ref()).map(|line| line.leg);
        // Whose agent's desk has vanished, and who has nobody else to talk with, waits for it with a ringing tone.
        let members = || talk.members.iter().map(|member| member.line.leg);
        let alone = talk.lost && receiver.is_none() && talk.members.is_empty() || self.is_left_by_phone();
        let with_receiver = held || consulted.is_some_and(|consult| consult.joined);
        // Of an agent who consults by phone each line has its own side, until all three are joined.
        let own = talk.consult.as_ref().and_then(|consult| consult.own).filter(|own| own.up);
        let own = own.map(|own| own.leg);
        let apart = own.is_some() && !consulted.is_some_and(|consult| consult.joined);
        // Who has not heard yet that they are recorded is not heard, and hears the notice.
        let waits = talk.notice.is_some();
        // Those who hear each other. The agent is always among them.
        let bridge: Legs = [
            agent,
            self.caller.filter(|_| !held && !alone && !waits),
            receiver.filter(|_| with_receiver && !apart),
            own.filter(|_| !apart),
        ]
        .into_iter()
        .flatten()
        .chain(members())
        .collect();
        let aside: Legs = [own.filter(|_| apart && receiver.is_some()), receiver.filter(|_| apart)]
            .into_iter()
            .flatten()
            .collect();
        let supervisors = || talk.supervisors.iter().filter(|one| one.up);
        let spoken_to = |leg: LegId| {
            let all = supervisors().filter(move |one| match one.mode {
                SuperviseMode::Listen => false,
                SuperviseMode::Whisper => Some(leg) == agent || Some(leg) == own,
                SuperviseMode::Barge => true,
            });
            all.map(|one| one.leg)
        };
        // Nobody hears themselves on their other line.
        let themselves = |one: LegId, other: LegId| {
            one == other || [Some(one), Some(other)].iter().all(|leg| *leg == agent || *leg == own)
        };
        let among = |legs: &Legs, leg: LegId| {
            let others = legs.iter().copied().filter(|other| !themselves(*other, leg));
            Sound::Legs(others.chain(spoken_to(leg)).collect())
        };
        let sound = |leg: LegId| match leg {
            leg if bridge.contains(&leg) => among(&bridge, leg),
            leg if aside.contains(&leg) || Some(leg) == own => among(&aside, leg),
            _ if waits => Sound::Legs(Legs::new()),
            _ if alone && !held => Sound::Ringing,
            _ => Sound::Music,
        };
        let parties = [agent, self.caller, receiver, own].into_iter().flatten().chain(members());
        let mut wanted: Vec<(LegId, Sound)> = parties.map(|leg| (leg, sound(leg))).collect();
        let overheard = if held && !aside.is_empty() { &aside } else { &bridge };
        let heard = || supervisors().filter(|one| one.mode != SuperviseMode::Listen).map(|one| one.leg);
        // Supervisors hear whom the agent hears, each other among them.
        wanted.extend(supervisors().map(|one| {
            let others = heard().filter(|other| *other != one.leg);
            (one.leg, Sound::Legs(overheard.iter().copied().chain(others).collect()))
        }));
        // So does who listens, and nobody hears them: their lines stand nowhere above.
        let to = self.agent.as_ref().map(|line| &line.name);
        let listeners = talk.listening.to(to);
        wanted.extend(
            listeners.map(|leg| (leg, Sound::Legs(overheard.iter().copied().chain(heard()).collect()))),
        );
        wanted
    }
}
