// What units are worth. Foundation has a `Dimension` of its own and stays out.

import Testing

@testable import Deck

/// Against numbers that CODATA 2018 prints, or that follow from the definition.
@Test(
  arguments: [
    ("1 kcal/mol", Dimension.energy, 0.0433641), ("1 kJ/mol", .energy, 0.01036427),
    ("2 Ry", .energy, 27.211386),
    ("1 nm", .length, 10), ("100 pm", .length, 1), ("1 bohr", .length, 0.5291772),
    ("1 Ha/bohr", .force, 51.422067), ("1 kcal/mol/A", .force, 0.0433641),
    ("1 kJ/mol/nm", .force, 0.001036427),
    ("1 nN", .force, 0.6241509), ("1000 pN", .force, 0.6241509), ("1 eV/nm", .force, 0.1),
    ("1 N/m", .stiffness, 0.06241509), ("1 kJ/mol/nm^2", .stiffness, 1.036427e-4),
    ("1 Ha/bohr^2", .stiffness, 97.173625),
    ("1 kJ/mol/rad^2", .angularStiffness, 0.01036427), ("1 eV/deg^2", .angularStiffness, 3282.8064),
    ("1 atm", .pressure, 6.3242094e-7), ("1 mbar", .pressure, 6.241509e-10),
    ("160.2176634 GPa", .pressure, 1),
    ("1 1/nm", .wavevector, 0.1), ("1 1/bohr", .wavevector, 1.8897261), ("2 Da", .mass, 2),
    ("1 Pa s", .viscosity, 6241.509),
    ("1 d", .duration, 86400),
  ] as [(String, Dimension, Double)])
func unitsOfEveryFieldAreWorthWhatTheyAre(text: String, dimension: Dimension, value: Double) throws {
  let read = try DeckReader.quantity(text, "x", dimension, -1e12...1e12, takes: "it")
  #expect(abs(read / value - 1) < 1e-6, "\(read)")
}
