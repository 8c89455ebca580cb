# Evaluates a Vagrantfile without Vagrant: knows only the words listed here, and prints what was asked for as JSON.
#
#   ruby vagrant-stub.rb VAGRANTFILE PROVIDER
#
# A word that is not listed is an error, as it would be in Vagrant. Blocks run as late as there: those of a
# machine when it is defined, those of a provider only for the provider in use, after everything else.

require 'json'

PROVIDER_WORDS = {
  'libvirt' => %i[memory= cpus= storage],
  'virtualbox' => %i[memory= cpus=]
}.freeze

# Takes the listed words and remembers each call.
class Recorder
  attr_reader :calls

  def initialize(words)
    @calls = []
    words.each do |word|
      define_singleton_method(word) { |*args, **options| @calls << { word: word.to_s.delete('='), args: args, options: options } }
    end
  end
end

# config.vm, of the whole or of one machine.
class VmConfig < Recorder
  attr_reader :machines, :providers

  def initialize
    super(%i[box= hostname= network synced_folder provision disk])
    @machines = {}
    @providers = {}
  end

  def define(name)
    raise "machine #{name} is defined twice" if @machines.key?(name)

    machine = Config.new
    @machines[name] = machine
    yield machine
  end

  def provider(name, &block)
    (@providers[name] ||= []) << block
  end
end

# What the configure block and a define block get.
class Config
  attr_reader :vm

  def initialize
    @vm = VmConfig.new
  end
end

# The one constant that a Vagrantfile may rely on.
module Vagrant
  class << self
    attr_reader :config

    def configure(version)
      raise "unknown version #{version}" unless version == '2'

      @config ||= Config.new
      yield @config
    end
  end
end

def resolve(machine, provider)
  settings = Recorder.new(PROVIDER_WORDS.fetch(provider))
  machine.vm.providers.fetch(provider, []).each { |block| block.arity == 2 ? block.call(settings, machine) : block.call(settings) }
  { calls: machine.vm.calls, settings: settings.calls }
end

file, provider = ARGV
load file
config = Vagrant.config or raise 'the file configures nothing'
machines = config.vm.machines.transform_values { |machine| resolve(machine, provider) }
puts JSON.generate(calls: config.vm.calls, machines: machines)
