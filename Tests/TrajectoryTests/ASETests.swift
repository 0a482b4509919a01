import Foundation
import Lattice
import Testing

@testable import Trajectory

/// Written by ASE 3.29: velocities 0.00, 0.01, ... 0.11 Angstrom/fs, the second atom fixed, stress 0.00 ... 0.05 in
/// Voigt order, and what else it keeps.
private let writtenByASE = """
  4
  Lattice="5.0 0.1 0.0 0.3 6.0 0.0 0.2 0.5 7.0" Properties=species:S:1:pos:R:3:move_mask:L:1:masses:R:1:momenta:R:3\
  :initial_charges:R:1:forces:R:3 name="has \\"quotes\\" and = sign" vec="1.0 2.0 3.0" energy=-3.25 \
  stress="0.0 0.05 0.04 0.05 0.01 0.03 0.04 0.03 0.02" pbc="T T F"
  H   0.0 0.0 0.0  T   1.00800000   0.00000000   0.10261950   0.20523899   0.1 0.77759195 0.34095748 0.00410791
  H   1.0 0.2 0.0  F   2.01400000   0.61510615   0.82014154   1.02517692   0.2 0.29302063 0.70475934 0.09790791
  O   0.0 1.0 0.3  T  15.99900000   9.77267461  11.40145372  13.03023282  -0.4 0.47845485 0.52240423 0.76551614
  Na  3.0 3.0 3.0  T  22.98976928  21.06427289  23.40474765  25.74522242   1.0 0.34341180 0.40467578 0.98878557

  """

@Test func whatASEWritesIsRead() throws {
  let scratch = try Scratch()
  let frame = try ExtendedXYZ.read(scratch.write(writtenByASE, to: "ase.xyz"))
  #expect(
    frame.system.cell
      == Cell(
        vectors: Matrix3([5, 0.1, 0], [0.3, 6, 0], [0.2, 0.5, 7]), isPeriodic: [true, true, false]))
  #expect(frame.system.atomicNumbers == [1, 1, 8, 11])
  #expect(frame.system.masses == [1.008, 2.014, 15.999, 22.98976928])
  #expect(frame.system.moveMask == [[1, 1, 1], .zero, [1, 1, 1], [1, 1, 1]])
  for (atom, velocity) in frame.system.velocities.enumerated() {
    for axis in 0..<3 {
      // ASE rounds to eight decimals, and takes CODATA 2014 for its unit of time.
      #expect(abs(velocity[axis] - Double(3 * atom + axis) * 0.01) < 1e-8)
    }
  }
  #expect(frame.energy == -3.25)
  #expect(frame.forces?[2] == [0.47845485, 0.52240423, 0.76551614])
  #expect(frame.stress == Matrix3([0, 0.05, 0.04], [0.05, 0.01, 0.03], [0.04, 0.03, 0.02]))
  #expect(frame.info == ["name": "has \"quotes\" and = sign", "vec": "1.0 2.0 3.0"])
}

private let canRunASE = (try? runTool([python, "-c", "import ase.io"]).status) == 0

@Test(.enabled(if: canRunASE, "needs a Python (BLOCH_PYTHON) with ASE"))
func whatIsWrittenIsReadByASE() throws {
  let scratch = try Scratch()
  let frame = try ExtendedXYZ.read(scratch.write(writtenByASE, to: "ase.xyz"))
  let writer = try ExtendedXYZWriter(creating: scratch.path("bloch.xyz"))
  try writer.append(frame)
  try writer.close()
  let script = """
    import sys, numpy as np
    from ase.io import read
    a, b = read(sys.argv[1]), read(sys.argv[2])
    assert (a.cell[:] == b.cell[:]).all() and (a.pbc == b.pbc).all()
    assert (a.numbers == b.numbers).all() and (a.positions == b.positions).all()
    assert (a.get_masses() == b.get_masses()).all()
    assert np.allclose(a.get_velocities(), b.get_velocities(), rtol=1e-12, atol=0)
    assert a.get_potential_energy() == b.get_potential_energy()
    assert (a.get_forces(apply_constraint=False) == b.get_forces(apply_constraint=False)).all()
    assert (a.get_stress() == b.get_stress()).all()
    assert (a.constraints[0].index == b.constraints[0].index).all()
    assert a.info['name'] == b.info['name'] and (a.info['vec'] == b.info['vec']).all()
    """
  let result = try runTool([python, "-c", script, scratch.path("ase.xyz"), scratch.path("bloch.xyz")])
  #expect(result.status == 0, "\(result.output)")
}

@Test(.enabled(if: canRunASE, "needs a Python (BLOCH_PYTHON) with ASE"))
func atomsFixedAlongSingleAxesGoToASEAndBack() throws {
  let scratch = try Scratch()
  let write = """
    import sys
    from ase import Atoms
    from ase.constraints import FixCartesian
    from ase.io import write
    atoms = Atoms('OHH', [[0, 0, 0], [0, 0, 1], [0, 1, 0]], constraint=FixCartesian([0, 2], [False, True, False]))
    write(sys.argv[1], atoms, columns=['symbols', 'positions', 'move_mask'])
    """
  let made = try runTool([python, "-c", write, scratch.path("ase.xyz")])
  #expect(made.status == 0, "\(made.output)")
  let frame = try ExtendedXYZ.read(scratch.path("ase.xyz"))
  #expect(frame.system.moveMask == [[1, 0, 1], [1, 1, 1], [1, 0, 1]])
  let writer = try ExtendedXYZWriter(creating: scratch.path("bloch.xyz"))
  try writer.append(frame)
  try writer.close()
  let read = """
    import sys
    from ase.io import read
    a, b = (read(path).constraints for path in sys.argv[1:])
    assert [c.todict() for c in a] == [c.todict() for c in b] and a, (a, b)
    """
  let result = try runTool([python, "-c", read, scratch.path("ase.xyz"), scratch.path("bloch.xyz")])
  #expect(result.status == 0, "\(result.output)")
}
