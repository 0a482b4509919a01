// CIF: crystals made by the operations that the file lists; what it leaves open is refused.

import Foundation
import Lattice
import Testing

@testable import Trajectory

/// Alpha quartz, P 32 2 1, with its six operations and coordinates as they are published.
let quartz = """
  data_quartz
  _cell_length_a    4.9134(2)
  _cell_length_b    4.9134(2)
  _cell_length_c    5.4052
  _cell_angle_alpha 90
  _cell_angle_beta  90
  _cell_angle_gamma 120
  _space_group_name_H-M_alt 'P 32 2 1'
  loop_
  _space_group_symop_operation_xyz
  'x,y,z'
  'y,x,2/3-z'
  '-y,x-y,2/3+z'
  '-x,y-x,1/3-z'
  'y-x,-x,z+1/3'
  'x-y,-y,-z'
  loop_
  _atom_site_label
  _atom_site_type_symbol
  _atom_site_fract_x
  _atom_site_fract_y
  _atom_site_fract_z
  _atom_site_occupancy
  Si1 Si4+ 0.4697 0 0 1.0
  O1 O2- 0.4135(3) 0.2669(2) 0.1191(1) 1
  """

@Test func aCrystalIsMadeByTheOperationsOfItsCIF() throws {
  let read = try structure(quartz, "quartz.cif")
  #expect(read.system.atomicNumbers.sorted() == [8, 8, 8, 8, 8, 8, 14, 14, 14])
  // Every silicon has four oxygens at 1.61 Angstrom.
  let system = read.system
  for i in 0..<9 where system.atomicNumbers[i] == 14 {
    let near = (0..<9).filter {
      system.atomicNumbers[$0] == 8
        && abs(length(system.cell.nearestImage(system.positions[$0] - system.positions[i])) - 1.61) < 0.01
    }
    #expect(near.count == 4)
  }
  // A special position, and what only its label names.
  let zinc = quartz.replacingOccurrences(
    of: "Si1 Si4+ 0.4697 0 0 1.0", with: "Zn1 ? 0.3333 0.6667 0.0 ?\nO2 O 0 0 .5 .")
  #expect(try structure(zinc, "a.cif").system.count == 6 + 3 + 6)
  // Thirds are rounded to four places, and images of one atom off by 0.0005 Angstrom are one.
  let axis = """
    data_P3
    _cell_length_a 5
    _cell_length_b 5
    _cell_length_c 6
    _cell_angle_alpha 90
    _cell_angle_beta 90
    _cell_angle_gamma 120
    _symmetry_equiv_pos_as_xyz ?
    loop_ _space_group_symop_id _space_group_symop_operation_xyz
    1 x,y,z  2 -y,x-y,z  3 -x+y,-x,z
    loop_ _atom_site_label _atom_site_fract_x _atom_site_fract_y _atom_site_fract_z
    Zn1 0.3333 0.6667 0
    """
  #expect(try structure(axis, "a.cif").system.count == 1)
}

@Test func aCrystalWithoutOperationsOrWithPartsOfAtomsIsRefused() throws {
  func with(_ old: String, _ new: String) throws -> String {
    try refusal(quartz.replacingOccurrences(of: old, with: new), "a.cif")
  }
  #expect(
    try with("0.4697 0 0 1.0", "0.4697 0 0 0.5").contains(
      "a.cif:24:21: error: a site that is occupied in part"))
  #expect(try with("_atom_site_occupancy", "_atom_site_disorder_group").contains("disordered group"))
  #expect(try with("Si1 Si4+", "Si1 Q").contains("a.cif:24:5: error: `Q` is no element"))
  #expect(
    try with("'x-y,-y,-z'", "'x-y,-y'").contains("a.cif:16:1: error: `x-y,-y` is no symmetry operation"))
  #expect(try with("1/3-z", "1/0-z").contains("is no symmetry operation"))
  #expect(try with("_cell_angle_gamma 120", "").contains("_cell_angle_gamma is missing"))
  #expect(try with("_cell_angle_gamma 120", "_cell_angle_gamma 200").contains("no cell has these"))
  #expect(try with("0.1191(1) 1", "0.1191(1)").contains("values for 6 columns"))
  let start = try #require(quartz.range(of: "loop_\n_space"))
  let end = try #require(quartz.range(of: "loop_\n_atom"))
  let nameless = quartz[..<start.lowerBound] + quartz[end.lowerBound...]
  #expect(
    try refusal(String(nameless), "a.cif").contains(
      "a.cif:8:27: error: the space group P 32 2 1 is named, but its operations are not listed\n"))
  let simple = nameless.replacingOccurrences(of: "P 32 2 1", with: "P 1")
  #expect(try structure(simple, "a.cif").system.count == 2)
  let silent = nameless.split(separator: "\n").filter { !$0.contains("H-M") }.joined(separator: "\n")
  #expect(
    try structure(silent, "a.cif").warnings.first?.description.contains("says nothing of its symmetry")
      == true)
  #expect(try refusal("data_x\n_cell_length_a 5\n", "a.cif").contains("there are no atoms"))
}
