// `bloch analyze` and `bloch report` as a user runs them, the page in a real browser.

import Foundation
import Testing

/// A short run of eight molecules, with charges.
private func shortRun(
  _ folder: TemporaryFolder, steps: Int = 80, trajectory: String = "{every: 2 steps, charges: true}"
)
  throws
{
  let deck = try folder.writeDeck("water", steps: steps, "ensemble: nvt", trajectory: trajectory)
  let outcome = try BlochProcess.run(["run", deck], in: folder.path)
  try #require(outcome.exitCode == 0, "\(outcome.errors)")
}

@Test func analyzePrintsWritesAndRefuses() throws {
  let folder = try TemporaryFolder()
  try shortRun(folder)
  let whole = try BlochProcess.run(
    ["analyze", "water.trajectory.h5", "--output-dir", "found", "--threads", "2"], in: folder.path)
  #expect(whole.exitCode == 0, "\(whole.errors)")
  for words in [
    "41 frames of 24 atoms from 0 to 0.04 ps", "temperature ", "coordination_O-O", "D_O ", "Hydrogen bonds",
    "dielectric constant", "chi at the smallest k", "found/water.rdf.tsv", "n_eff",
  ] {
    #expect(whole.output.contains(words), "\(words) is not in\n\(whole.output)")
  }
  for name in ["rdf", "msd", "vacf", "vdos", "profile", "hbonds", "dipole", "chi", "chi_zz", "sk", "numbers"]
  {
    #expect(try folder.text("found/water.\(name).tsv").hasPrefix("# "), "\(name)")
  }
  let json = try BlochProcess.run(
    ["analyze", "water.trajectory.h5", "rdf", "--pairs", "O-H", "--skip", "10 fs", "--json"], in: folder.path)
  let object = try #require(JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
  #expect(object["frames"] as? Int == 31 && json.output.contains("g_O-H"))
  let bonds = try BlochProcess.run(
    [
      "analyze", "water.trajectory.h5", "hbonds", "--hbond-distance", "3 A", "--hbond-angle", "40 deg",
      "--donors",
      "O", "--acceptors", "O",
    ], in: folder.path)
  #expect(
    bonds.output.contains("within 3 Angstrom, H-D-A below 40 degrees")
      && bonds.output.contains("bonds of an O "))
  // Any number of threads gives the same bits.
  let alone = try BlochProcess.run(
    ["analyze", "water.trajectory.h5", "--threads", "1", "--json"], in: folder.path)
  let recorded = try folder.text("found/water.analysis.json")
  #expect(alone.output == recorded)

  let mistakes: [([String], Int32, String)] = [
    (["rdf", "--pairs", "O-Cl"], 2, "there is no Cl in the trajectory"),
    (["rdf", "--skip", "10"], 2, "has no unit"), (["rdf", "--skip", "1 K"], 2, "is not a unit of"),
    (["dipole", "--charges", "O=-0.8"], 2, "no charge is given for H"),
    (["viscosity"], 3, "`log.pressure_tensor: true`"),
    (["rdf", "--species", "O", "H", "H"], 2, "says both itself"),
    (["rdf", "--units", "A"], 2, "--units takes a unit of length and one of time"),
    (["msd", "--every", "30"], 3, "needs at least 20 frames"), (["wrong"], 2, "invalid"),
    (["rdf", "--skip", "1 ns"], 3, "there is no frame to analyse"),
    (["--output-dir", "found"], 3, "--overwrite replaces it"),
  ]
  for (arguments, code, words) in mistakes {
    let outcome = try BlochProcess.run(["analyze", "water.trajectory.h5"] + arguments, in: folder.path)
    #expect(outcome.exitCode == code && outcome.errors.contains(words), "\(arguments): \(outcome)")
  }
  for file in ["nowhere.h5", "water.checkpoint.h5", "water.yaml"] {
    let outcome = try BlochProcess.run(["analyze", file], in: folder.path)
    #expect(outcome.exitCode == 3 && outcome.errors.contains(file), "\(outcome)")
  }
}

@Test func analyzeSaysWhatATrajectoryLacks() throws {
  let folder = try TemporaryFolder()
  try shortRun(folder, steps: 60, trajectory: "{every: 2 steps, velocities: false}")
  let asked = try BlochProcess.run(["analyze", "water.trajectory.h5", "vacf"], in: folder.path)
  #expect(asked.exitCode == 3 && asked.errors.contains("`trajectory.velocities: true`"), "\(asked)")
  let whole = try BlochProcess.run(["analyze", "water.trajectory.h5"], in: folder.path)
  #expect(whole.exitCode == 0, "\(whole.errors)")
  for words in ["Left out", "vacf: a velocity autocorrelation needs velocities", "--charges H=... O=..."] {
    #expect(whole.output.contains(words), "\(whole.output)")
  }
}

// MARK: - The page

/// Debian's name, and others'.
private let browser: String? = ["chromium", "chromium-browser", "google-chrome"].first { name in
  (try? BlochProcess.shell("command -v \(name)", in: NSTemporaryDirectory()).exitCode) == 0
}

@Test func reportIsOnePageWithoutANetwork() throws {
  let folder = try TemporaryFolder()
  try shortRun(folder)
  let outcome = try BlochProcess.run(["report", "water.trajectory.h5"], in: folder.path)
  #expect(outcome.exitCode == 0 && outcome.output.contains("water.run.html"), "\(outcome)")
  let page = try folder.text("water.run.html")
  #expect(page.utf8.count < 2_000_000)
  for words in [
    "Conserved energy", "Equipartition", "all 80 steps", "Radial distribution functions", "80 steps\n",
    "neighbors",
    "arXiv:2206.07697", "doi:10.1063/1.463940", "ensemble: nvt", "sha256 ",
  ] {
    #expect(page.contains(words), "\(words) is missing")
  }
  #expect(!page.contains("http:") && !page.contains("https:") && !page.contains("nan,"))
  // From the deck, and again: the page is made anew. A file of somebody else's is not replaced.
  #expect(try BlochProcess.run(["report", "water.yaml"], in: folder.path).exitCode == 0)
  let taken = try BlochProcess.run(["report", "water", "--output", "water.yaml"], in: folder.path)
  #expect(taken.exitCode == 3 && taken.errors.contains("exists already"))
  let none = try BlochProcess.run(["report", "nothing"], in: folder.path)
  #expect(none.exitCode == 3 && none.errors.contains("there is no such file"))
}

@Test(
  .enabled(if: browser != nil, "needs chromium (apt-get install chromium)"),
  arguments: [(390, true), (1280, false)])
func reportIsDrawnByABrowserInLightAndDarkOnPhoneAndDesk(_ width: Int, _ isDark: Bool) throws {
  let folder = try TemporaryFolder()
  try shortRun(folder, steps: 40)
  let outcome = try BlochProcess.run(["report", "water", "--output", "page.html"], in: folder.path)
  try #require(outcome.exitCode == 0, "\(outcome.errors)")
  // The page measures itself, in a frame as wide as a phone or a desk: errors of scripts, what is wider than the screen, what
  // was drawn.
  let probe = """
    <script>addEventListener("load",()=>{const c=document.getElementById("view"),d=c.getContext("2d").getImageData(0,0,c.width,c.height).data;
    let inked=0;for(let i=3;i<d.length;i+=4)if(d[i])inked++;
    const s=document.querySelector(".plots svg").getBoundingClientRect();
    const lines=[...document.querySelectorAll("polyline")].filter(l=>l.getBBox().width>50&&l.getBBox().height>5&&getComputedStyle(l).stroke!="none").length;
    parent.postMessage([window.failures||0,document.documentElement.scrollWidth<=innerWidth,inked>2000,lines,s.width>250&&s.width<=innerWidth,
    getComputedStyle(document.body).backgroundColor,document.body.dataset.view,innerWidth].join("|"),"*")})</script>
    """
  let page = try folder.text("page.html")
    .replacingOccurrences(
      of: "<head>", with: "<head><script>onerror=()=>{window.failures=(window.failures||0)+1}</script>"
    )
    .replacingOccurrences(of: "</body>", with: probe + "</body>")
  try page.write(toFile: "\(folder.path)/probe.html", atomically: true, encoding: .utf8)
  try """
  <!DOCTYPE html><script>onmessage=e=>{document.title="PROBE|"+e.data}</script>
  <iframe src="probe.html" width="\(width)" height="900" style="border:0"></iframe>
  """.write(toFile: "\(folder.path)/frame.html", atomically: true, encoding: .utf8)
  let drawn = try BlochProcess.shell(
    """
    timeout 60 \(browser ?? "") --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir=profile \
      --blink-settings=preferredColorScheme=\(isDark ? 0 : 1) --window-size=1400,1000 --virtual-time-budget=3000 \
      --dump-dom file://\(folder.path)/frame.html
    """, in: folder.path)
  let title = try #require(
    drawn.output.firstMatch(of: /<title>PROBE\|([^<]*)<\/title>/), "\(drawn.errors.suffix(500))")
  let words = title.1.split(separator: "|").map(String.init)
  #expect(words.prefix(3) == ["0", "true", "true"], "\(title.1)")
  // Curves of energies, temperature and pressure, RDFs of three pairs.
  #expect((Int(words[3]) ?? 0) >= 6 && words[4] == "true" && words[6] == "drawn", "\(title.1)")
  #expect(words[7] == "\(width)")
  #expect(words[5] == (isDark ? "rgb(22, 24, 28)" : "rgb(255, 255, 255)"), "\(title.1)")
}
