//! Against real little programs, which are slow, fail and write anything.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::flow;
use crate::flow::Prompts;

/// How long a program may take that ends; no test waits for it.
const LONG: Duration = Duration::from_secs(60);

/// A folder with a program in it, and a cache.
struct House {
    folder: tempfile::TempDir,
    speech: Speech,
    cache: SpeechCache,
}

/// A program that is this script of the shell, with the folder as its first argument.
fn house(script: &str) -> House {
    let folder = tempfile::tempdir().expect("a folder");
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 16_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(folder.path().join("voice.wav"), spec).expect("a file");
    (0..8_000).for_each(|n| wav.write_sample((n % 40 - 20) * 50_i16).expect("a sample"));
    wav.finalize().expect("a whole file");
    fs::write(folder.path().join("speak"), script).expect("a script");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let command =
        ["sh".to_owned(), path("speak"), folder.path().display().to_string(), "$(touch made)".to_owned()];
    let speech = Speech { commands: [("en".into(), command.to_vec())].into(), timeout: LONG };
    let cache = SpeechCache::within(&folder.path().join("data"));
    House { folder, speech, cache }
}

impl House {
    fn speak(&self, text: &str) -> Result<Clip, SpeechError> {
        self.cache.speak(&self.speech, &"en".into(), text, LONG)
    }

    fn file(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.folder.path().join(name)).ok()
    }
}

const SPEAKS: &str = "cat >> $1/heard; echo \"$2\" > $1/argument; env > $1/environment; cat $1/voice.wav\n";

#[test]
fn a_text_is_spoken_once_and_then_kept() {
    let house = house(SPEAKS);
    let clip = house.speak("Hello; rm -rf \"$HOME\" `id`").expect("spoken");
    assert_eq!(&*clip.name, "en/\"Hello; rm -rf \"$HOME\" `id`\"");
    assert_eq!(clip.duration(), Duration::from_millis(500));
    assert_eq!(house.file("heard").as_deref(), Some("Hello; rm -rf \"$HOME\" `id`\n"));
    assert_eq!(house.file("argument").as_deref(), Some("$(touch made)\n"), "no shell has seen it");
    let again = house.speak("Hello; rm -rf \"$HOME\" `id`").expect("kept");
    assert_eq!(again.pcmu, clip.pcmu);
    house.speak("Good-bye").expect("spoken");
    assert_eq!(house.file("heard").map(|heard| heard.lines().count()), Some(2));
    let mode =
        fs::metadata(house.folder.path().join("data/speech-cache")).expect("a folder").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn a_command_sees_nothing_of_our_environment_but_where_programs_are() {
    let house = house(SPEAKS);
    house.speak("Hello").expect("spoken");
    let environment = house.file("environment").expect("written");
    assert!(environment.lines().any(|line| line.starts_with("PATH=")), "{environment}");
    assert!(!environment.contains("CARGO"), "{environment}");
}

#[test]
fn another_command_speaks_the_same_text_anew() {
    let mut house = house(SPEAKS);
    house.speak("Hello").expect("spoken");
    house.speech.commands.values_mut().for_each(|command| command.push("louder".to_owned()));
    house.speak("Hello").expect("spoken");
    assert_eq!(house.file("heard").map(|heard| heard.lines().count()), Some(2));
}

#[test]
fn what_does_not_speak_is_told_with_its_reason() {
    let said = |script: &str| house(script).speak("Hello").expect_err("no speech").to_string();
    assert!(said("cat $1/voice.wav; exit 3").starts_with("sh failed (exit status: 3)"));
    assert!(said("echo hello").starts_with("sh did not write speech"));
    assert!(said("exit 0").starts_with("sh did not write speech"));
    let mut house = house(SPEAKS);
    house.speech.commands.values_mut().for_each(|command| command[0] = "/nowhere/speak".to_owned());
    assert!(
        house
            .speak("Hello")
            .expect_err("no program")
            .to_string()
            .starts_with("/nowhere/speak cannot be started")
    );
    let error = house.cache.speak(&house.speech, &"es".into(), "Hola", LONG).expect_err("no command");
    assert_eq!(error.to_string(), "nothing speaks \"es\"");
    let texts = [("en".into(), "One".to_owned()), ("es".into(), "Dos".to_owned())];
    let problems = house.cache.speak_all(&house.speech, &texts).expect_err("neither");
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems[0].starts_with("\"One\" (en): /nowhere/speak"), "{problems:?}");
}

#[test]
fn one_that_does_not_end_is_ended_with_all_that_it_started() {
    // The child would hold the pipe open for ever.
    let house = house("sleep 1000 & echo $! > $1/child; wait\n");
    let within = Duration::from_millis(500);
    let error = house.cache.speak(&house.speech, &"en".into(), "Hello", within).expect_err("too slow");
    assert!(matches!(error, SpeechError::TooSlow { .. }), "{error}");
    let Some(child) = house.file("child") else { return };
    let Some(child) = child.trim().parse().ok().and_then(Pid::from_raw) else { return };
    // Whoever inherits it may take a while to bury it.
    for _ in 0..600 {
        let state = fs::read_to_string(format!("/proc/{}/stat", child.as_raw_nonzero())).unwrap_or_default();
        if state.is_empty() || state.contains(") Z ") {
            return;
        }
        thread::sleep(Duration::from_millis(100));
    }
    panic!("the child runs still");
}

#[test]
fn one_that_does_not_listen_or_talks_first_is_heard_all_the_same() {
    let house = house("cat $1/voice.wav\n");
    house.speak(&"long ".repeat(40_000)).expect("spoken");
}

#[test]
fn no_more_is_kept_than_may_be() {
    let house = house(SPEAKS);
    house.speak("Hello").expect("spoken");
    let folder = house.folder.path().join("data/speech-cache");
    let old = SystemTime::now() - Duration::from_secs(3_600);
    for number in 0..MOST {
        let file = File::create(folder.join(format!("{number}.wav"))).expect("room");
        file.set_modified(old).expect("a time");
    }
    house.speak("One more").expect("spoken");
    let kept = fs::read_dir(&folder).expect("a folder").count();
    assert!(kept <= MOST, "{kept}");
    house.speak("Hello").expect("what was used last is kept");
    assert_eq!(house.file("heard").map(|heard| heard.lines().count()), Some(2));
}

#[test]
fn texts_of_a_call_are_answered_whether_they_were_spoken_or_not() {
    let house = house("read text; case $text in bad*) exit 1;; esac; cat $1/voice.wav\n");
    let (sender, mut answers) = mpsc::channel(4);
    let speaker = Speaker::start(house.cache.clone(), sender).expect("threads");
    let (leg, play) = (LegId::of(crate::base::CallId(7), 1), PlayId(3));
    let texts = vec!["good one".to_owned(), "bad one".to_owned()];
    let speech = Arc::new(house.speech.clone());
    let (language, notes) = ("en".into(), Vec::new());
    speaker.speak(Unspoken { leg, play, speech: Some(speech), language, texts, notes });
    let spoken = answers.blocking_recv().expect("an answer");
    assert_eq!((spoken.leg, spoken.play), (leg, play));
    assert_eq!(spoken.clips.keys().collect::<Vec<_>>(), ["good one"]);
}

#[test]
fn espeak_ng_speaks() {
    let texts: [(&str, &str); 2] = [("en", "Your order is on its way."), ("es", "Su pedido está en camino.")];
    let command = |language: &str| ["espeak-ng", "-v", language, "--stdout"].map(str::to_owned).to_vec();
    let commands = texts.iter().map(|(language, _)| (Name::from(*language), command(language))).collect();
    let folder = tempfile::tempdir().expect("a folder");
    let (speech, cache) = (Speech { commands, timeout: LONG }, SpeechCache::within(folder.path()));
    for (language, text) in texts {
        match cache.speak(&speech, &language.into(), text, LONG) {
            Ok(clip) => assert!((500..10_000).contains(&clip.duration().as_millis()), "{clip:?}"),
            // It is a package of its own.
            Err(SpeechError::Start { .. }) => return,
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_check_tells_of_a_program_that_is_not_there_and_starts_none() {
    let with = |command: &str| {
        let (prompts, files) = (
            Prompts::default(),
            format!("company: x\nnumbers: {{ 1: main }}\nspeech: {{ command: \"{command}\" }}\n"),
        );
        let flow = "flow: main\nstart: a\nnodes:\n  a: { hang_up: done }\n".to_owned();
        let files = [("center.yaml".to_owned(), files), ("main.yaml".to_owned(), flow)];
        let (center, _) = flow::load(&files, &prompts).expect("in order");
        not_there(&center)
    };
    let told = with("/nowhere/speak {language}");
    assert!(
        told.len() == 1 && told[0].starts_with("/nowhere/speak, which is to speak, is not on"),
        "{told:?}"
    );
    assert_eq!(with("no-such-program-here").len(), 1);
    assert_eq!(with("sh -c false"), [] as [String; 0]);
}
