import LVLM
import Testing

@Suite struct ImageResizeTests {
  /// Checksums of what Pillow's `Image.resize` of release 13 makes of `rgb4_101x64.png`; at 200×3 it takes
  /// the columns first.
  static let sizes = [(21, 16), (80, 130), (64, 30), (7, 101), (1, 1), (200, 3)]
  static let expected: [(ResamplingFilter, [UInt64])] = [
    (
      .nearest,
      [
        0x09c8_f3b7_5870_0033, 0x12bc_2b8e_b69d_2d69, 0x812a_054f_876a_941e, 0x3f3b_ccd2_74ed_322d,
        0x1bdd_3918_0114_7ac3, 0x725d_c0ee_6d75_14dc,
      ]
    ),
    (
      .box,
      [
        0xe9dd_e194_5161_a81e, 0x7630_0a3e_ce85_2d7f, 0xe900_0ffe_32b7_b61e, 0x7379_e70a_d7a0_6d16,
        0x88a2_b519_5fde_3d31, 0x1103_7f0f_0328_b38e,
      ]
    ),
    (
      .bilinear,
      [
        0xd0c9_c03f_4961_e8c2, 0x7557_ca4a_56dc_18f4, 0x53a6_5b4f_40be_b34e, 0x9707_3d75_b93d_7a3f,
        0x6eb4_3b19_5132_6f41, 0xdbdb_c2ab_cbc4_37ea,
      ]
    ),
    (
      .bicubic,
      [
        0xdf4b_7712_098e_55ab, 0x722f_d5f6_07d5_c9db, 0xfc61_7844_34a9_d8ac, 0xd7df_c1db_99b4_5616,
        0x88a9_bc19_5fe4_67c4, 0x52af_d57d_9055_8384,
      ]
    ),
    (
      .lanczos,
      [
        0xa81b_3b47_1a08_9e5e, 0x0fce_12b1_6fb4_ff9f, 0xe86f_fb12_78c7_e788, 0xcb0b_0ddb_f0f6_a7ef,
        0x88a9_bc19_5fe4_67c4, 0x3f75_751a_7a2d_6838,
      ]
    ),
  ]

  @Test("The same bytes as Pillow", arguments: expected)
  func pillow(filter: ResamplingFilter, checksums: [UInt64]) throws {
    let picture = try RGBImage(contentsOf: ImageFixtures.golden("rgb4_101x64.png"))
    for (size, checksum) in zip(Self.sizes, checksums) {
      let resized = picture.resized(width: size.0, height: size.1, filter: filter)
      #expect(resized.width == size.0 && resized.height == size.1)
      #expect(ImageFixtures.checksum(resized) == checksum, "\(filter) \(size)")
    }
  }

  @Test(
    "Pictures fit into grid cells by the paper's rule",
    arguments: [
      ("rgb0_37x61.png", 448, 271, 0x31b9_3859_8ae2_0d1c),
      ("rgb1_90x45.png", 224, 448, 0xbb2d_c83e_e770_23ca),
      ("rgb3_19x23.png", 448, 370, 0xb821_4e8f_c94d_75b7),
    ] as [(String, Int, Int, UInt64)])
  func fitted(name: String, width: Int, height: Int, checksum: UInt64) throws {
    let cell = try RGBImage(contentsOf: ImageFixtures.golden(name)).fitted(into: 448)
    #expect(cell.width == width && cell.height == height)
    #expect(ImageFixtures.checksum(cell) == checksum)
  }

  @Test func flatStaysFlat() {
    let flat = RGBImage(width: 17, height: 5, colour: RGBColour(255, 3, 128))
    for filter in ResamplingFilter.allCases {
      let large = flat.resized(width: 40, height: 33, filter: filter)
      #expect(large == RGBImage(width: 40, height: 33, colour: RGBColour(255, 3, 128)))
    }
  }

  @Test func cropPadAndPaste() {
    var picture = RGBImage(width: 4, height: 2, colour: .white)
    picture[0, 0] = RGBColour(1, 2, 3)
    let square = picture.paddedToSquare(RGBColour(9, 9, 9))
    #expect(square.width == 4 && square.height == 4)
    #expect(square[0, 0] == RGBColour(9, 9, 9) && square[0, 1] == RGBColour(1, 2, 3))
    #expect(square[3, 2] == .white && square[3, 3] == RGBColour(9, 9, 9))
    let outside = picture.cropped(x: -1, y: -1, width: 3, height: 2)
    #expect(outside[0, 0] == .black && outside[1, 1] == RGBColour(1, 2, 3) && outside[2, 1] == .white)
    var canvas = RGBImage(width: 3, height: 3, colour: .black)
    canvas.paste(picture, x: 2, y: 2)
    #expect(canvas[2, 2] == RGBColour(1, 2, 3) && canvas[1, 2] == .black)
    canvas.paste(picture, x: 5, y: -7)
    #expect(canvas[0, 0] == .black)
    canvas.paste(picture, x: -3, y: 0)
    #expect(canvas[0, 0] == .white && canvas[1, 0] == .black)
  }
}
