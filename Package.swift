// swift-tools-version: 6.2

import Foundation
import PackageDescription

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
    name: "colld",
    platforms: [.macOS(.v15), .iOS(.v18)],
    products: [
        .executable(name: "colld", targets: ["CLI"]),
        .library(name: "SpeechTraining", targets: ["SpeechTraining"]),
        .library(name: "SpeechModels", targets: ["SpeechModels"]),
        .library(name: "SpeechInference", targets: ["SpeechInference"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // C libraries. Set-up writes their pkg-config files where they lack one.
        .systemLibrary(
            name: "CLibTorch", pkgConfig: "colld-libtorch",
            providers: [.apt(["python3-pip"])]),
        .systemLibrary(
            name: "CSndFile", pkgConfig: "sndfile",
            providers: [.apt(["libsndfile1-dev"]), .brew(["libsndfile"])]),
        .systemLibrary(
            name: "CSoxr", pkgConfig: "soxr",
            providers: [.apt(["libsoxr-dev"]), .brew(["libsoxr"])]),
        .systemLibrary(
            name: "CZlib", pkgConfig: "zlib",
            providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
        .systemLibrary(
            name: "CLibSentencePiece", pkgConfig: "sentencepiece",
            providers: [.apt(["libsentencepiece-dev"]), .brew(["sentencepiece"])]),
        .target(name: "COnnxRuntime"),
        .target(name: "CTorch", dependencies: ["CLibTorch"]),
        .target(name: "CSentencePiece", dependencies: ["CLibSentencePiece"]),

        // The libraries, lowest first; DESIGN's arrows and no others.
        .target(name: "Torch", dependencies: ["CTorch"], swiftSettings: strict),
        .target(name: "SpeechCore", dependencies: ["CZlib"], swiftSettings: strict),
        .target(
            name: "SpeechAudio", dependencies: ["SpeechCore", "CSndFile", "CSoxr"],
            swiftSettings: strict),
        .target(
            name: "SpeechModels", dependencies: ["Torch", "SpeechCore"], swiftSettings: strict),
        .target(
            name: "SpeechObjectives", dependencies: ["SpeechModels"], swiftSettings: strict),
        .target(
            name: "SpeechTraining",
            dependencies: [
                "SpeechObjectives", "SpeechAudio", "CSentencePiece",
                .product(name: "Yams", package: "Yams"),
            ],
            resources: [.embedInCode("Presets")],
            swiftSettings: strict),
        .target(
            name: "SpeechInference", dependencies: ["SpeechCore", "COnnxRuntime"],
            swiftSettings: strict),
        .executableTarget(
            name: "CLI",
            dependencies: [
                "SpeechTraining", "SpeechInference",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),

        .target(name: "TestSupport", dependencies: ["SpeechCore"], path: "Tests/TestSupport"),
        .testTarget(name: "TorchTests", dependencies: ["Torch"]),
        .target(name: "FileMutation", dependencies: ["SpeechCore"], path: "Tests/FileMutation"),
        .executableTarget(
            name: "FuzzReaders", dependencies: ["FileMutation"], path: "Tests/Fuzz"),
        .testTarget(
            name: "SpeechCoreTests", dependencies: ["SpeechCore", "TestSupport", "FileMutation"]),
        .testTarget(
            name: "SpeechAudioTests", dependencies: ["SpeechAudio", "TestSupport", "FileMutation"]),
        .testTarget(
            name: "SpeechModelsTests",
            dependencies: ["SpeechModels", "TestSupport", "FileMutation"]),
        .testTarget(
            name: "SpeechObjectivesTests", dependencies: ["SpeechObjectives", "TestSupport"]),
        .testTarget(
            name: "SpeechTrainingTests", dependencies: ["SpeechTraining", "TestSupport"]),
        .testTarget(
            name: "SpeechInferenceTests", dependencies: ["SpeechInference", "TestSupport"]),
        .testTarget(
            name: "CommandTests",
            dependencies: ["CLI", "SpeechModels", "Torch", "TestSupport", "FileMutation"]),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx20
)

// DocC, only where the documentation is built: whoever uses the package does not fetch the plugin.
if ProcessInfo.processInfo.environment["COLLD_DOCS"] != nil {
    package.dependencies.append(
        .package(url: "https://github.com/apple/swift-docc-plugin", exact: "1.5.0"))
}
