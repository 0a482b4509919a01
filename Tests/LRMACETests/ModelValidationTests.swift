// Models that no file and no program may hand to a kernel, each with the words that must name what is wrong.

import Testing

@testable import LRMACE
@testable import LRMACEModel

private struct BadModel: CustomTestStringConvertible, Sendable {
  let words: String
  let spoil: @Sendable (inout Model) -> Void
  var testDescription: String { words }

  init(_ words: String, _ spoil: @escaping @Sendable (inout Model) -> Void) {
    (self.words, self.spoil) = (words, spoil)
  }
}

/// Two layers, vectors, a gate, four heads that mix three kernels, correlation 3.
private let base = "lr_f_4heads_filter_self_gate_l1_corr3"

private let badNumbers: [BadModel] = [
  BadModel("scale is inf eV") { $0.scale = .infinity }, BadModel("scale is nan") { $0.scale = .nan },
  BadModel("scale is 0.0") { $0.scale = 0 }, BadModel("scale is -1.0") { $0.scale = -1 },
  BadModel("shift is nan eV") { $0.shift = .nan }, BadModel("shift is 1e+300") { $0.shift = 1e300 },
  BadModel("E0 is 1e+300 eV") { $0.isolatedEnergies[1] = 1e300 },
  BadModel("E0 has 1 energies for 2 species") { $0.isolatedEnergies.removeLast() },
  BadModel("r_max is 1e-300 Angstrom") { $0.cutoff = 1e-300 },
  BadModel("r_max is 99.9 Angstrom") { $0.cutoff = 99.9 }, BadModel("r_max is nan") { $0.cutoff = .nan },
  BadModel("r_max is 4.6 Angstrom, but its bessel_frequencies are those of 4.5") { $0.cutoff = 4.6 },
  BadModel("as number 5, expected about n pi / r_max") { $0.cutoff = 5 },
  BadModel("bessel_prefactor is nan") { $0.radialBasis.prefactor = .nan },
  BadModel("bessel_prefactor is 0.0") { $0.radialBasis.prefactor = 0 },
  BadModel("bessel_prefactor is 1e+300") { $0.radialBasis.prefactor = 1e300 },
  BadModel("cutoff_p is -3") { $0.radialBasis.cutoffExponent = -3 },
  BadModel("cutoff_p is 0") { $0.radialBasis.cutoffExponent = 0 },
  BadModel("cutoff_p is 1,") { $0.radialBasis.cutoffExponent = 1 },
  BadModel("cutoff_p is 2000000000") { $0.radialBasis.cutoffExponent = 2_000_000_000 },
  BadModel("bessel_frequencies holds nan") { $0.radialBasis.frequencies[3] = .nan },
  BadModel("bessel_frequencies holds 0.0 1/Angstrom as number 1") { $0.radialBasis.frequencies[0] = 0 },
  BadModel("number of Bessel frequencies is 0") { $0.radialBasis.frequencies = [] },
  BadModel("species is empty") { $0.species = [] }, BadModel("species is 0") { $0.species[0] = 0 },
  BadModel("species is -8") { $0.species[1] = -8 }, BadModel("species is 119") { $0.species[1] = 119 },
  BadModel("species holds 1 twice") { $0.species[1] = 1 },
  BadModel("rsa: sigma is inf") { $0.attention?.sigmas[1] = .infinity },
  BadModel("rsa: sigma is nan") { $0.attention?.sigmas[1] = .nan },
  BadModel("rsa: sigma is 1e-07") { $0.attention?.sigmas[0] = 1e-7 },
  BadModel("rsa: number of sigmas is 0") { $0.attention?.sigmas = [] },
  BadModel("rsa: eps is 0.0") { $0.attention?.epsilon = 0 },
  BadModel("rsa: eps is 1.0") { $0.attention?.epsilon = 1 },
  BadModel("rsa: width is 1000000") { $0.attention?.width = 1_000_000 },
  BadModel("does not divide into 0 heads") { $0.attention?.heads = 0 },
  BadModel("does not divide into 3 heads") { $0.attention?.heads = 3 },
  BadModel("rsa: width x head width is 1048576") {
    $0.attention?.width = 1024
    $0.attention?.heads = 1
  },
  BadModel("holds 1e+300, expected weights") { $0.layers[0].radial[0].values[5] = 1e300 },
  BadModel("layers/1/rsa/filter holds nan") { $0.layers[1].attention?.filter.values[0] = .nan },
  BadModel("layers/1/contraction/0/weights3 holds inf") {
    $0.layers[1].contraction[0].weights3[1].values[0] = .infinity
  },
  BadModel("name is longer") { $0.name = String(repeating: "a", count: 100_000) },
]

private let badStructures: [BadModel] = [
  BadModel("lmax is 7") { $0.lmax = 7 }, BadModel("lmax is -1") { $0.lmax = -1 },
  BadModel("channels is 0") { $0.channels = 0 }, BadModel("channels is 4097") { $0.channels = 4097 },
  BadModel("embedding has shape") { $0.channels = 17 },
  BadModel("correlation is 2, but its contractions are of order 3") { $0.correlation = 2 },
  BadModel("num_layers is 0") { $0.layers = [] },
  BadModel("its last layer has no readout") { $0.layers[1].readout = nil },
  BadModel("layers/0: input_lmax is 1, but the features that enter reach l = 0") {
    $0.layers.removeFirst()
  },
  BadModel("layers/0: output_lmax is 5") { $0.layers[0].outputLmax = 5 },
  BadModel("layers/0/contraction has 2 degrees, expected 1") { $0.layers[0].outputLmax = 0 },
  BadModel("rsa, the settings of the attention, is missing") { $0.attention = nil },
  BadModel("settings of an attention that no layer has") {
    for t in 0..<2 { $0.layers[t].attention = nil }
  },
  BadModel("layers/0/rsa/filter has shape [4, 3], expected [4, 2]") { $0.attention?.sigmas.removeLast() },
  BadModel("layers/0/rsa/W_q has shape [16, 16], expected [16, 32]") { $0.attention?.width = 32 },
  BadModel("layers/1/rsa/W_g has shape") { $0.layers[1].attention?.gate = Matrix(rows: 1, columns: 16) },
  BadModel("embedding has 31 numbers, expected 32") { $0.embedding.values.removeLast() },
  BadModel("layers/0/paths holds") { $0.layers[0].paths[0].l3 = 2 },
  BadModel("layers/0/paths holds") { $0.layers[0].paths[0].l2 = 9 },
  BadModel("layers/0/paths holds an entry twice") { $0.layers[0].paths[1] = $0.layers[0].paths[0] },
  BadModel("layers/0/paths has none that ends at l = 2") { $0.layers[0].paths.removeAll { $0.l3 == 2 } },
  BadModel("layers/1/radial: number of matrices is 0") { $0.layers[1].radial = [] },
  BadModel("layers/1/radial/1 has shape") {
    $0.layers[1].radial[1] = Matrix(rows: 3, columns: $0.layers[1].radial[1].columns)
  },
  BadModel("layers/1/linear: number of degrees is 0") { $0.layers[1].linear = [] },
  BadModel("layers/1/linear/0 has 0 matrices") { $0.layers[1].linear[0] = [] },
  BadModel("layers/1/skip has 3 degrees, expected 1") { $0.layers[1].skip += [[], []] },
  BadModel("layers/0/contraction/1/pairs holds") { $0.layers[0].contraction[1].pairs[0].l1 = -1 },
  BadModel("layers/0/contraction/1/triples holds") { $0.layers[0].contraction[1].triples[0].l12 = 40 },
  BadModel("layers/0/contraction/1/weights2 has") { $0.layers[0].contraction[1].weights2.removeLast() },
  BadModel("layers/0/contraction/0/rounding holds") {
    $0.layers[0].contraction[0].rounding = [.init(component: 0, factors: [99])]
  },
]

/// Differences of potential, then the energy; 24 columns, three species, two parts of known charge.
private let conserved = "c_b_vectors_ions_d24"

private func matrix(_ rows: Int, _ columns: Int) -> Matrix { Matrix(rows: rows, columns: columns) }

private let badSources: [BadModel] = [
  BadModel("layers/0/conserved has dispersion, but its use is difference, not energy") {
    $0.layers[0].conserved?.dispersion = .init(
      sigma: 1.2, constants: [1, 1, 1], features: matrix(16, 1))
  },
  BadModel("layers/1/conserved/dispersion/ybar has 2 numbers, expected 3") {
    $0.layers[1].conserved?.dispersion = .init(
      sigma: 1.2, constants: [1, 1], features: matrix(16, 1))
  },
  BadModel("layers/1/conserved/dispersion: sigma is 0.0 Angstrom") {
    $0.layers[1].conserved?.dispersion = .init(sigma: 0, constants: [1, 1, 1], features: matrix(16, 1))
  },
  BadModel("layers/1/conserved/dispersion/W_y holds nan") {
    $0.layers[1].conserved?.dispersion = .init(
      sigma: 1.2, constants: [1, 1, 1],
      features: Matrix(rows: 16, columns: 1, values: Array(repeating: .nan, count: 16)))
  },
  BadModel("layers/0/conserved/xbar has shape [2, 24], expected [3, 24]") {
    $0.layers[0].conserved?.constants = matrix(2, 24)
  },
  BadModel("layers/1/conserved/xbar holds nan") { $0.layers[1].conserved?.constants.values[5] = .nan },
  BadModel("layers/0/conserved/W_a has shape") { $0.layers[0].conserved?.transferA = matrix(16, 23) },
  BadModel("layers/1/conserved/W_b holds 1e+300") { $0.layers[1].conserved?.transferB.values[0] = 1e300 },
  BadModel("layers/1/conserved/W_r has shape [16, 24], expected [8, 24]") {
    $0.layers[1].conserved?.transferRadial = matrix(16, 24)
  },
  BadModel("layers/0/conserved/W_q has shape") {
    $0.layers[0].conserved?.use = .attention(query: matrix(1, 24), output: matrix(24, 16))
  },
  BadModel("layers/0/conserved/W_o has shape") {
    $0.layers[0].conserved?.use = .attention(query: matrix(16, 24), output: matrix(24, 1))
  },
  BadModel("layers/0/conserved/W_p has shape [7, 24]") {
    $0.layers[0].conserved?.use = .difference(
      query: matrix(16, 24), output: matrix(24, 16), radial: matrix(7, 24))
  },
  BadModel("layers/1/conserved/s has 2 numbers, expected 24") {
    $0.layers[1].conserved?.use = .energy(weights: [1, 1])
  },
  BadModel("2 layers have conserved sources of use energy") {
    $0.layers[0].conserved?.use = .energy(weights: Array(repeating: 1, count: 24))
  },
  BadModel("layers/1/conserved: number of parts in Q is 0") {
    $0.layers[1].conserved?.references?.charges = []
  },
  BadModel("layers/1/conserved/Q: charge is nan") { $0.layers[1].conserved?.references?.charges[0] = .nan },
  BadModel("layers/1/conserved/M has shape [2, 2], expected [2, 3]") {
    $0.layers[1].conserved?.references?.compositions = matrix(2, 2)
  },
  BadModel("layers/1/conserved/M: number of atoms is -1.0") {
    $0.layers[1].conserved?.references?.compositions.values[0] = -1
  },
  BadModel("layers/0/conserved/c has 1 numbers") { $0.layers[0].conserved?.references?.columns = [1] },
  BadModel("found 12 heads") { $0.attention?.heads = 12 },
  BadModel("2 sigmas") { $0.attention?.sigmas.append(3) },
  BadModel("weight no_volume") { $0.attention?.kernelWeight = .noVolume },
  BadModel("subtract_self 0") { $0.attention?.subtractsSelf = false },
  BadModel("rsa, the settings of the attention, is missing") { $0.attention = nil },
  BadModel("layers/0 has both rsa and conserved") {
    $0.layers[0].attention = .init(
      normalisation: .all, activation: .silu, filter: matrix(24, 1), query: matrix(16, 24),
      key: matrix(16, 24), value: matrix(16, 24), output: matrix(24, 16), gate: nil)
  },
]

/// Densities, the Agnesi transform and a repulsion; four species.
private let foundation = "f_f_all"

private let badPairs: [BadModel] = [
  BadModel("layers/0/density has 9 numbers, expected 10") { $0.layers[0].density?.removeLast() },
  BadModel("layers/1/density holds inf") { $0.layers[1].density?[3] = .infinity },
  BadModel("transform/radii has 3 numbers for 4 species") { $0.transform?.radii.removeLast() },
  BadModel("transform/radii: covalent radius is 0.0 Angstrom") { $0.transform?.radii[1] = 0 },
  BadModel("transform: a is nan") { $0.transform?.form = .agnesi(a: .nan, p: 4.6, q: 0.9) },
  BadModel("transform: p is 1.0") { $0.transform?.form = .agnesi(a: 1, p: 1, q: 0.9) },
  BadModel("transform: q is -1.0") { $0.transform?.form = .agnesi(a: 1, p: 4, q: -1) },
  BadModel("transform: q is 5.0, expected less than p") { $0.transform?.form = .agnesi(a: 1, p: 4, q: 5) },
  BadModel("transform: alpha is 0.0") { $0.transform?.form = .soft(alpha: 0) },
  BadModel("repulsion/radii has 5 numbers for 4 species") { $0.repulsion?.radii.append(1) },
  BadModel("repulsion/radii: covalent radius is nan") { $0.repulsion?.radii[0] = .nan },
  BadModel("repulsion: number of amplitudes is 0") { $0.repulsion?.amplitudes = [] },
  BadModel("repulsion/decays has 3 numbers for 4 amplitudes") { $0.repulsion?.decays.removeLast() },
  BadModel("repulsion/amplitudes: amplitude is inf") { $0.repulsion?.amplitudes[2] = .infinity },
  BadModel("repulsion/decays: decay is -1.0") { $0.repulsion?.decays[0] = -1 },
  BadModel("repulsion: coulomb is -14.4 eV Angstrom") { $0.repulsion?.coulomb = -14.4 },
  BadModel("repulsion: length is 0.0 Angstrom") { $0.repulsion?.length = 0 },
  BadModel("repulsion: exponent is 3.0") { $0.repulsion?.exponent = 3 },
  BadModel("repulsion: cutoff_p is 1,") { $0.repulsion?.cutoffExponent = 1 },
  BadModel("a model with a transform of distances has no conserved sources") {
    $0.layers[0].conserved = .init(
      use: .energy(weights: [1]), constants: matrix(4, 1), transferA: matrix(4, 1), transferB: matrix(4, 1),
      transferRadial: matrix(10, 1))
  },
]

@Suite struct ModelValidationTests {
  @Test(arguments: badPairs) private func badPartsOfPairsAreRefusedByName(bad: BadModel) throws {
    var model = try Golden.model(foundation)
    bad.spoil(&model)
    let error = try #require(throws: ModelError.self) { try model.validate(file: "bad.h5") }
    #expect(error.description.hasPrefix("bad.h5: ") && error.reason.contains(bad.words), "\(error)")
  }

  @Test(arguments: badSources) private func badSourcesAreRefusedByName(bad: BadModel) throws {
    var model = try Golden.model(conserved)
    bad.spoil(&model)
    let error = try #require(throws: ModelError.self) { try model.validate(file: "bad.h5") }
    #expect(error.description.hasPrefix("bad.h5: ") && error.reason.contains(bad.words), "\(error)")
  }

  @Test(arguments: badNumbers + badStructures) private func badModelIsRefusedByName(bad: BadModel) throws {
    var model = try Golden.model(base)
    bad.spoil(&model)
    let error = try #require(throws: ModelError.self) { try model.validate(file: "bad.h5") }
    #expect(error.description.hasPrefix("bad.h5: ") && error.reason.contains(bad.words), "\(error)")
    #expect(throws: ModelError.self) { try LRMACEPotential(model: model) }
  }

  @Test(arguments: Golden.names) func soundModelsAreValidWithAndWithoutTheirDeadPaths(name: String) throws {
    let model = try Golden.model(name)
    try model.validate()
    try model.withoutDeadPaths().validate()
  }

  @Test func trainedFrequenciesStayValid() throws {
    var model = try Golden.model(base)
    for n in model.radialBasis.frequencies.indices {
      model.radialBasis.frequencies[n] += n % 2 == 0 ? 0.1 : -0.2
    }
    try model.validate()
  }
}
