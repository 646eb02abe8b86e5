//! Files in, a center out, with everything that is wrong with them.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::base::Name;
use crate::flow::center::Center;
use crate::flow::center_file;
use crate::flow::center_file::CenterFile;
use crate::flow::center_file::language;
use crate::flow::check;
use crate::flow::diagnostic::Diagnostic;
use crate::flow::file;
use crate::flow::prompts::Prompts;
use crate::flow::read::Names;
use crate::flow::read::Reader;
use crate::flow::read::yaml;
use crate::flow::read::yaml::Place;

/// What stands behind the path of a center's file that is called otherwise.
pub const AS_CENTER: &str = "//center.yaml";

/// Reads and checks all files of a center: `(path, text)`, of which one is called `center.yaml`, or anything and then
/// [`AS_CENTER`], and every other one is a flow, called after its file. `prompts` are the recordings that there are.
///
/// The center comes with the warnings; without a center all errors and warnings are told at once, by file and line.
pub fn load(
    files: &[(String, String)],
    prompts: &Prompts,
) -> Result<(Center, Vec<Diagnostic>), Vec<Diagnostic>> {
    load_beside(files, prompts, &[])
}

/// The same for a server that serves already: the agents of `roster` have the places in the center that they have in it, whoever is
/// not among them any more is there as gone, and who is new comes behind.
pub fn load_beside(
    files: &[(String, String)],
    prompts: &Prompts,
    roster: &[Name],
) -> Result<(Center, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mut files: Vec<(&str, &str)> =
        files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    files.sort();
    let (center_files, flow_files): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|(path, _)| stem(path) == "center");
    let Some(&(center_path, center_text)) = center_files.first() else {
        let mut reader = Reader::new("center.yaml", "", prompts, Names::default());
        reader.error(Place { line: 1, column: 1, length: 1 }, "there is no center.yaml");
        return Err(reader.diagnostics);
    };

    let center_path = center_path.strip_suffix(AS_CENTER).unwrap_or(center_path);
    let names = Names { roster: roster.to_vec(), ..Names::default() };
    let mut center_reader = Reader::new(center_path, center_text, prompts, names);
    let center_file = center_file::read(&mut center_reader, center_text);
    if center_file.is_none() && yaml::parse(center_text).0.is_none() {
        return Err(unreadable(center_reader, &flow_files, prompts));
    }
    let names = center_reader.names.clone();

    let known: BTreeSet<&str> = flow_files.iter().map(|(path, _)| stem(path)).collect();
    let mut flows = BTreeMap::new();
    let mut readers: BTreeMap<Name, Reader<'_>> = BTreeMap::new();
    let mut all_read = true;
    for (path, text) in &flow_files {
        let mut reader = Reader::new(path, text, prompts, names.clone());
        match file::read(&mut reader, stem(path), text) {
            Some(flow) => {
                if let Some(CenterFile { center, .. }) = &center_file {
                    check::staffing(&flow, &center.engine, &mut reader);
                    check::trunks(&flow, &center.trunks, &mut reader);
                }
                check::links(&flow, &known, &mut reader);
                flows.insert(Name::clone(&flow.name), flow);
            }
            None => all_read = false,
        }
        readers.insert(Name::from(stem(path)), reader);
    }
    if let Some(center_file) = &center_file {
        let numbers = center_file.numbers.values().map(|(flow, place)| (flow, *place, "a caller's number"));
        let queues = center_file.links.iter().flatten().map(|(flow, place)| (flow, *place, "a queue"));
        for (name, place, from) in numbers.chain(queues) {
            match flows.get(name) {
                _ if !known.contains(&**name) => {
                    center_reader.unknown(place, "flow", name, known.iter().copied());
                }
                Some(flow) => check::begins_from(flow, place, from, &mut center_reader),
                None => {}
            }
        }
    }
    // What flows do together makes sense only where each of them does.
    if all_read && readers.values().all(|reader| !reader.has_errors()) {
        check::together(&mut flows, &mut readers);
        if let Some(center_file) = &center_file {
            check::round_and_round(center_file, &flows, &mut center_reader);
            check::surveys(center_file, &flows, &mut center_reader);
            check::goals(center_file, &flows, &mut center_reader);
            check::places(&center_file.center, &flows, &mut center_reader);
            check::greetings(center_file, &flows, &mut center_reader);
            // Whom nobody can ever serve is reported already.
            if !center_reader.has_errors() && readers.values().all(|reader| !reader.has_errors()) {
                check::presence(&center_file.center, &flows, &mut readers);
                check::unused(center_file, &flows, &mut readers);
            }
        }
    }
    let mut unrecorded = std::mem::take(&mut center_reader.unrecorded);
    for (language, names) in readers.values_mut().flat_map(|reader| std::mem::take(&mut reader.unrecorded)) {
        unrecorded.entry(language).or_default().extend(names);
    }
    language::unrecorded(center_text, &unrecorded, &mut center_reader);
    let mut found: Vec<Diagnostic> = readers.into_values().flat_map(|reader| reader.diagnostics).collect();
    found.append(&mut center_reader.diagnostics);
    let flows = flows.into_iter().map(|(name, flow)| (name, Arc::new(flow))).collect();
    found.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
    match center_file {
        Some(CenterFile { center, .. }) if !found.iter().any(Diagnostic::is_error) => {
            Ok((Center { flows, ..center }, found))
        }
        _ => Err(found),
    }
}

/// The time zone that the center's file names, whatever else is wrong with any of the files; none where it names none.
pub fn named_zone(files: &[(String, String)]) -> Option<TimeZone> {
    let (path, text) = files.iter().find(|(path, _)| stem(path) == "center")?;
    let prompts = Prompts::default();
    center_file::named_zone(&mut Reader::new(path, text, &prompts, Names::default()), text)
}

/// What is told where the center's file is no YAML: that, and which flows are none either. Whatever flows name would be
/// unknown, and the one thing to mend would stand among all that follows from it.
fn unreadable(center: Reader<'_>, flow_files: &[(&str, &str)], prompts: &Prompts) -> Vec<Diagnostic> {
    let mut found = center.diagnostics;
    for (path, text) in flow_files {
        let mut reader = Reader::new(path, text, prompts, Names::default());
        reader.tree(text);
        found.append(&mut reader.diagnostics);
    }
    found
}

/// `main` of `ivr_flows/main.yaml`.
pub(crate) fn stem(path: &str) -> &str {
    let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
    file.strip_suffix(".yaml").or_else(|| file.strip_suffix(".yml")).unwrap_or(file)
}
